// Package sealed keeps the state of Matrix accounts, which a process must not lose, and nobody else
// may read: one file for each account, sealed to age identities, held by one process at a time, and
// replaced whole. Once Save has returned, the file has the new contents, also after a power cut;
// before, the old ones.
//
// What is in it, package matrix knows. There are the ratchets of a device: an old copy of them must
// never come back, so there is no second file.
package sealed

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

	// ErrDamaged says that a file is not what was sealed.
	ErrDamaged = errors.New("the Matrix state is damaged")
)

// MaxSize bounds the contents of a file, in bytes.
const MaxSize = 32 << 20

// A Folder is where the files are, and to whom they are sealed.
type Folder struct {
	Dir        string // for files of this package alone; made if it is not there
	Identities []age.Identity
	Recipients []age.Recipient
}

// path returns the file of an account, by its user ID. Letters that file systems
// treat differently are written as =HEX.
func (h Folder) path(user string) string {
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

// Users returns the accounts that are kept, as @name:server, sorted.
func (h Folder) Users() ([]string, error) {
	names, err := h.names()
	if err != nil {
		return nil, err
	}
	var users []string
	for _, name := range names {
		if user, ok := userOf(name); ok {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users, nil
}

// names returns the file names of the accounts that are kept, without their ending.
func (h Folder) names() ([]string, error) {
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

// userOf undoes Folder.path.
func userOf(name string) (string, bool) {
	first, rest, more := strings.Cut(name, "=")
	user := "@" + first
	for more {
		if len(rest) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		user += string(c)
		first, rest, more = strings.Cut(rest[2:], "=")
		user += first
	}
	return user, true
}

// A File is an account's, which this process alone has.
type File struct {
	folder Folder
	path   string
	lock   *filelock.Lock
}

// Hold takes the account's file for this process, until Close. The error is ErrHeld if another has
// it.
func (h Folder) Hold(user string) (*File, error) {
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
	return &File{folder: h, path: h.path(user), lock: lock}, nil
}

// lock takes the lock that holds an account. The error is ErrHeld if another process has
// it, and wraps errors.ErrUnsupported where there is no flock: two processes would spoil
// the account's sessions.
func (h Folder) lock(user string) (*filelock.Lock, error) {
	l, err := filelock.Take(strings.TrimSuffix(h.path(user), ".age") + ".lock")
	if errors.Is(err, filelock.ErrHeld) {
		err = ErrHeld
	}
	return l, err
}

// Close gives the file up for other processes.
func (f *File) Close() error { return f.lock.Close() }

// Held reports whether some process holds an account's file.
func (h Folder) Held(user string) (bool, error) {
	lock, err := h.lock(user)
	if errors.Is(err, ErrHeld) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, lock.Close()
}

// Read returns the contents of an account's file, also while another process holds it. The error is
// ErrNoAccount if there is none. The caller clears what it got.
func (h Folder) Read(user string) ([]byte, error) { return h.read(h.path(user)) }

// Load is Read for who holds the file.
func (f *File) Load() ([]byte, error) { return f.folder.read(f.path) }

func (h Folder) read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoAccount
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return open(file, h.Identities)
}

// open returns what is sealed in r, MaxSize bytes at most.
func open(r io.Reader, with []age.Identity) ([]byte, error) {
	plain, err := age.Decrypt(io.LimitReader(r, 2*MaxSize), with...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrOtherHome
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	b, err := io.ReadAll(io.LimitReader(plain, MaxSize+1))
	if err != nil {
		clear(b)
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(b) > MaxSize {
		clear(b)
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrDamaged, MaxSize)
	}
	return b, nil
}

// Save replaces the contents. The caller clears b.
func (f *File) Save(b []byte) (err error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, f.folder.Recipients...)
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
		err = durable.Change(f.folder.Dir, func() error { return os.Rename(tmp.Name(), f.path) })
	}
	if err != nil {
		return errors.Join(fmt.Errorf("could not write the Matrix state: %w", err), durable.Remove(tmp.Name()))
	}
	return nil
}

// Remove deletes the file of an account that is no more. Close is still to be called.
func (f *File) Remove() error {
	return durable.Change(f.folder.Dir, func() error { return durable.Remove(f.path) })
}
