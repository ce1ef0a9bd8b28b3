//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package matrix

import (
	"errors"
	"io/fs"
	"os"
)

// lockFile makes a file that must not be there yet, where there is no flock. After
// a crash it stays, and is to be deleted by hand.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrHeld
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// syncFolder does nothing where folders cannot be synced.
func syncFolder(string) error { return nil }
