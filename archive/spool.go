package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sealtape/sealtape/archive/internal/notes"
	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
)

// What a spool has besides recordings, and a recording in it besides objects.
// None of these names can be a recording's or an object's.
const (
	removedPrefix  = ".removed-"  // of a recording's folder that is being removed
	quarantineName = "quarantine" // what was found damaged, below ID/
)

// ErrElsewhere reports that an object is not in the spool because another store
// than the one asked for has it, and the spool released it.
var ErrElsewhere = errors.New("it was stored elsewhere before, and removed here")

// A Spooled is a recording in a spool folder that no Writer holds. Until Close,
// nobody else can take it.
type Spooled struct {
	dir  string
	lock *filelock.Lock
}

// HoldSpooled takes the recording id in spool. The error wraps ErrBusy if another
// writes, recovers or copies it, and fs.ErrNotExist if it is not there. It is a
// *NotObjectError if something else is there than a folder: a link is not followed.
func HoldSpooled(spool, id string) (*Spooled, error) {
	if err := ValidID(id); err != nil {
		return nil, err
	}
	dir := filepath.Join(spool, id)
	if fi, err := os.Lstat(dir); err != nil {
		return nil, err
	} else if !fi.IsDir() {
		return nil, NotObject(id, fi.Mode())
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	return &Spooled{dir, lock}, nil
}

// Kept reports whether Keep was called for the recording.
func (s *Spooled) Kept() (bool, error) {
	_, err := os.Stat(filepath.Join(s.dir, notes.Kept))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Store returns the name of the store that the recording is for: the Store of the
// Config it was made with, or what Reassign set since. "" means that no store was
// noted.
func (s *Spooled) Store() (string, error) { return readBelongs(s.dir) }

// Reassign notes another store for the recording. Only a person should decide
// that: whoever can read that store gets what was meant for the other.
func (s *Spooled) Reassign(store string) error { return writeBelongs(s.dir, store) }

// Keep notes that the recording is in a store, and is to stay in the spool too.
func (s *Spooled) Keep() error {
	return durable.WriteFile(filepath.Join(s.dir, notes.Kept), nil)
}

// Remove removes the recording, once its copy is confirmed in a store. The caller
// calls Close afterwards.
//
// Remove renames the folder first, so that a crash in the middle leaves no half
// recording that Recover takes for a whole one.
func (s *Spooled) Remove() error { return removeFolder(s.dir) }

// Close frees the recording for others.
func (s *Spooled) Close() error { return s.lock.Close() }

// RemoveSpooled removes the recording id from a spool folder, once its copy is
// confirmed in a store. If the recording is being written, the error wraps
// ErrBusy. If there is none of that ID, there is no error.
func RemoveSpooled(spool, id string) error {
	s, err := HoldSpooled(spool, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err == nil {
		err = errors.Join(s.Remove(), s.Close())
	}
	if err != nil {
		return fmt.Errorf("could not remove recording %s: %w", id, err)
	}
	return nil
}

// ReleaseSpooled removes segments and indexes of a recording from a spool folder
// while the recording goes on, so that a long one does not fill the disk. A store
// must have confirmed each of them, and a head that names it: Copier.OnHead is
// called with such objects. Log, head and epochs stay, so Recover can end the
// recording, and a new Copier can finish the copy in the same store.
func ReleaseSpooled(spool, id string, stored []Entry) error {
	if err := ValidID(id); err != nil {
		return err
	}
	dir := filepath.Join(spool, id)
	var names []string
	for _, e := range stored {
		if l, ok := parseName(e.Name); ok && l.kind != Epoch {
			names = append(names, e.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	// The note distinguishes released objects from lost ones. If it cannot be
	// written, the objects are removed all the same: they are safe without it,
	// and a full disk needs the room.
	err := noteStored(dir, names)
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("could not release objects of recording %s: %w", id, err)
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, durable.Remove(filepath.Join(dir, name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("could not release objects of recording %s: %w", id, err)
	}
	return nil
}

// maxBelongs is the most bytes of the note that names a store.
const maxBelongs = 4 << 10

func writeBelongs(dir, store string) error {
	if store == "" || len(store) > maxBelongs || strings.ContainsAny(store, "\r\n") {
		return fmt.Errorf("the name of the store is empty, too long, or more than one line")
	}
	return durable.WriteFile(filepath.Join(dir, notes.Store), []byte(store+"\n"))
}

// readBelongs returns the store that is noted in a recording's folder, or "" if
// none is.
func readBelongs(dir string) (string, error) {
	f, err := os.Open(filepath.Join(dir, notes.Store))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer f.Close() // only read from
	b, err := io.ReadAll(io.LimitReader(f, maxBelongs+2))
	if err != nil {
		return "", err
	}
	store, ok := strings.CutSuffix(string(b), "\n")
	if !ok || store == "" || strings.Contains(store, "\n") {
		return "", fmt.Errorf("%s is damaged: which store the recording is for is not known", f.Name())
	}
	return store, nil
}

func noteStored(dir string, names []string) error {
	return durable.Change(dir, func() error {
		f, err := os.OpenFile(filepath.Join(dir, notes.Stored), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(strings.Join(names, "\n") + "\n")
		if err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	})
}

// wasStored reports whether name was released from the recording's folder.
func wasStored(dir, name string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, notes.Stored))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	defer f.Close() // only read from
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			return false, lines.Err()
		}
		if lines.Text() == name {
			return true, nil
		}
	}
}

// QuarantineSpooled moves an object of a spool folder to quarantine/ID in that
// folder, so that the rest of the recording can be copied without it. It serves
// as OnBad of a Copier. An object that is good here, but whose name is taken in
// the store, stays. If the object was released before, the error is ErrElsewhere.
// It is no error if the object was moved already, by another Copier of the
// recording.
func QuarantineSpooled(spool string, bad *BadObjectError) error {
	if _, ok := parseName(bad.Name); !ok || ValidID(bad.ID) != nil {
		return bad
	}
	dir := filepath.Join(spool, bad.ID)
	switch {
	case errors.Is(bad, ErrConflict):
		return nil
	case errors.Is(bad, fs.ErrNotExist):
		stored, err := wasStored(dir, bad.Name)
		if stored {
			err = fmt.Errorf("%w: %w", ErrElsewhere, bad)
		}
		return err
	}
	return putAside(dir, bad.Name)
}

// putAside moves a file of a recording's folder to quarantine. If the move
// succeeds and is durable, the fault is in the file and not in the whole disk.
func putAside(dir, name string) error {
	spool, id := filepath.Split(dir)
	from, to := filepath.Join(dir, name), filepath.Join(spool, quarantineName, id, name)
	err := durable.MkdirAll(filepath.Dir(to))
	if err == nil {
		err = durable.Change(filepath.Dir(to), func() error {
			return durable.Change(filepath.Dir(from), func() error { return os.Rename(from, to) })
		})
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, moved := os.Lstat(to); moved == nil {
			return nil // moved already, while copying to another store
		}
	}
	if err != nil {
		return fmt.Errorf("could not put %s into quarantine: %w", name, err)
	}
	return nil
}

// A Quarantined is a recording's part of the quarantine in a spool folder.
type Quarantined struct {
	ID    string
	Files int
	Since time.Time // when the last file was put there, or was written
}

// Quarantine returns what is in quarantine in the folder spool, by ID.
func Quarantine(spool string) ([]Quarantined, error) {
	folders, err := os.ReadDir(filepath.Join(spool, quarantineName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []Quarantined
	for _, f := range folders {
		if !f.IsDir() || ValidID(f.Name()) != nil {
			continue
		}
		q := Quarantined{ID: f.Name()}
		err = errors.Join(err, filepath.WalkDir(filepath.Join(spool, quarantineName, q.ID), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			fi, err := d.Info()
			if err == nil && fi.ModTime().After(q.Since) {
				q.Since = fi.ModTime()
			}
			if !d.IsDir() {
				q.Files++
			}
			return err
		}))
		all = append(all, q)
	}
	if err != nil {
		return all, fmt.Errorf("could not look into quarantine: %w", err)
	}
	return all, nil
}

// RemoveQuarantined removes what is in quarantine of the recording id.
func RemoveQuarantined(spool, id string) error {
	err := ValidID(id)
	if err == nil {
		err = os.RemoveAll(filepath.Join(spool, quarantineName, id))
	}
	if err != nil {
		return fmt.Errorf("could not remove %s from quarantine: %w", id, err)
	}
	return nil
}

// removeFolder removes a recording's folder, whose lock the caller holds.
func removeFolder(dir string) error {
	spool, id := filepath.Split(dir)
	removed := filepath.Join(spool, removedPrefix+id)
	// The rename is durable before anything is gone from under it.
	if err := durable.Change(filepath.Dir(dir), func() error { return os.Rename(dir, removed) }); err != nil {
		return err
	}
	return os.RemoveAll(removed)
}
