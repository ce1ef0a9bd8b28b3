//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package matrix

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile takes a file for this process, and returns what gives it up; the end of
// the process does so, too. The error is ErrHeld if another has it.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrHeld
		} else {
			err = fmt.Errorf("could not lock %s: %w", path, err)
		}
		return nil, errors.Join(err, f.Close())
	}
	// Explicitly: closing alone would leave the lock to a child that was just forked.
	return func() error { return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close()) }, nil
}

// syncFolder makes the entries of a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
