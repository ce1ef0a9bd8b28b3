//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sealtape/sealtape/archive/internal/notes"
)

// A folderLock is the lock of a folder. The end of the process frees it too.
type folderLock struct{ f *os.File }

// lockFolder takes the lock of a recording's folder. The error wraps ErrBusy if
// another holds it, and fs.ErrNotExist if there is no folder (any more).
func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, notes.Lock)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("could not lock the recording: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrBusy
	}
	if err == nil {
		// The last holder of the lock may have removed the folder between the two
		// calls.
		var here, there fs.FileInfo
		if here, err = f.Stat(); err == nil {
			there, err = os.Stat(path)
		}
		if err == nil && !os.SameFile(here, there) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("could not lock the recording: %w", err)
	}
	return &folderLock{f}, nil
}

// waitForLock waits until nobody holds the lock of the file path, and takes it.
// It makes the file if need be. Holders must hold it for a moment only.
func waitForLock(path string) (*folderLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("could not lock %s: %w", path, err), f.Close())
	}
	return &folderLock{f}, nil
}

// Close frees the lock explicitly: closing the file alone would leave the lock to
// a child process that was forked and has not begun its program.
func (l *folderLock) Close() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}
