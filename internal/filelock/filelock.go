// Package filelock holds a file for one process at a time, by flock(2).
//
// Such a lock needs no clean-up: the system frees it when the process ends, however it
// does, and the file stays for the next. It is advisory, so it binds only those who ask
// for it, and it is of the open file: two opens in one process exclude each other, too.
// A child that was forked and has not begun its program yet holds a copy of the file,
// which is why Close frees the lock by name and does not leave it to the closing.
//
// Where there is no flock (Windows, browsers) every function fails with
// errors.ErrUnsupported, and the caller decides what it does without.
package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrHeld is wrapped by the error of Take where another holds the lock.
var ErrHeld = errors.New("another process holds it")

// A Lock is a file that is held. It is not safe for concurrent use.
type Lock struct{ f *os.File }

// Take takes the lock of the file path, which it makes, mode 0600, if need be. It does not
// wait: the error wraps [ErrHeld] if another holds it. It wraps fs.ErrNotExist if the
// folder is not there, or the last holder removed the file before it gave it up.
func Take(path string) (*Lock, error) { return take(path, false) }

// Wait waits until nobody holds the lock of the file path, and takes it as Take does. It
// cannot be cancelled: those who hold the lock must hold it for a moment only.
func Wait(path string) (*Lock, error) { return take(path, true) }

func take(path string, wait bool) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = lock(f, wait); err == nil {
		err = stillAt(f, path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("could not lock %s: %w", path, err), f.Close())
	}
	return &Lock{f}, nil
}

// stillAt fails if path is not that of the file any more. Who held the lock may have
// removed it between our opening and our locking, and then others lock another file.
func stillAt(f *os.File, path string) error {
	here, err := f.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(path)
	if err == nil && !os.SameFile(here, there) {
		err = fs.ErrNotExist
	}
	return err
}

// Try locks an open file or folder until it is closed. The error is [ErrHeld] if another
// holds it.
func Try(f *os.File) error { return lock(f, false) }

// Close frees the lock. The file stays. A nil Lock is that of who does without, and Close
// does nothing.
func (l *Lock) Close() error {
	if l == nil {
		return nil
	}
	return errors.Join(unlock(l.f), l.f.Close())
}
