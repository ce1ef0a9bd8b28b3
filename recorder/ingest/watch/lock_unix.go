//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package watch

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// A lock is a file that one process holds. The end of the process frees it too.
type lock struct{ f *os.File }

// takeLock takes the lock of a file, which it makes. The error wraps ErrBusy if another
// process holds it.
func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(ErrBusy, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("could not lock %s: %w", path, err), f.Close())
	}
	return &lock{f}, nil
}

// Close frees the lock explicitly: closing the file alone would leave it to a child
// process that was forked and has not begun its program.
func (l *lock) Close() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}

// syncFolder makes a rename in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
