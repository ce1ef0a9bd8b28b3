package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
)

var (
	// ErrNoAccount says that nobody logged in yet.
	ErrNoAccount = errors.New("no such Matrix account is logged in here")
	// ErrHeld says that another process uses the account. Two would turn the same
	// ratchets.
	ErrHeld = errors.New("another process uses this Matrix account")
	// ErrOtherHome says that a state file was sealed to another identity.
	ErrOtherHome = errors.New("the Matrix state was sealed to another identity")
)

// A Home is where the state of accounts is kept, and to whom it is sealed.
type Home struct {
	Dir        string // for files of this package alone; made if it is not there
	Identities []age.Identity
	Recipients []age.Recipient
}

// path returns the file of an account, by its user ID. Letters that file systems
// treat differently are written as =HEX.
func (h Home) path(user string) string {
	var b strings.Builder
	for _, c := range []byte(strings.TrimPrefix(user, "@")) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' && b.Len() > 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	return filepath.Join(h.Dir, b.String()+".age")
}

// Accounts returns the file names of the accounts that are kept, without their
// ending.
func (h Home) Accounts() ([]string, error) {
	entries, err := os.ReadDir(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".age"); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil
}

// A stateFile is an account's file, which this process alone has.
type stateFile struct {
	home Home
	path string
	lock *filelock.Lock
	// written, if set, is called when a state is on the disk. For tests.
	written func()
}

// hold takes the account's file for this process.
func (h Home) hold(user string) (*stateFile, error) {
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := h.lock(user)
	for range 5 { // somebody may only look whether it is held
		if !errors.Is(err, ErrHeld) {
			break
		}
		time.Sleep(20 * time.Millisecond)
		lock, err = h.lock(user)
	}
	if err != nil {
		return nil, err
	}
	return &stateFile{home: h, path: h.path(user), lock: lock}, nil
}

// lock takes the lock that holds an account. The error is ErrHeld if another process has
// it, and wraps errors.ErrUnsupported where there is no flock: two processes would spoil
// the account's sessions.
func (h Home) lock(user string) (*filelock.Lock, error) {
	l, err := filelock.Take(strings.TrimSuffix(h.path(user), ".age") + ".lock")
	if errors.Is(err, filelock.ErrHeld) {
		err = ErrHeld
	}
	return l, err
}

func (f *stateFile) Close() error { return f.lock.Close() }

// load reads the state, ErrNoAccount if there is none.
func (f *stateFile) load() (*state, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoAccount
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return open(file, f.home.Identities)
}

// open reads a sealed state.
func open(r io.Reader, with []age.Identity) (*state, error) {
	plain, err := age.Decrypt(io.LimitReader(r, 2*maxState), with...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrOtherHome
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	defer clear(b)
	return parseState(b)
}

// save writes the state whole: the file has the old one or the new one, and once
// save has returned the new one, also after a power cut.
func (f *stateFile) save(s *state) (err error) {
	b, err := s.marshal()
	if err != nil {
		return err
	}
	defer clear(b)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, f.home.Recipients...)
	if err != nil {
		return fmt.Errorf("could not seal the Matrix state: %w", err)
	}
	if _, err = w.Write(b); err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("could not seal the Matrix state: %w", err)
	}
	// One name: who has the lock writes it anew after a crash.
	tmp, err := os.OpenFile(f.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = tmp.Write(sealed.Bytes())
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = durable.Change(f.home.Dir, func() error { return os.Rename(tmp.Name(), f.path) })
	}
	if err != nil {
		return errors.Join(fmt.Errorf("could not write the Matrix state: %w", err), durable.Remove(tmp.Name()))
	}
	if f.written != nil {
		f.written()
	}
	return nil
}

// remove deletes the state of an account that is no more.
func (f *stateFile) remove() error {
	return durable.Change(f.home.Dir, func() error { return durable.Remove(f.path) })
}
