//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package archive

import (
	"errors"
	"fmt"
)

// A folderLock is the lock of a recording's folder.
type folderLock struct{}

// Close gives up the lock.
func (*folderLock) Close() error { return nil }

// lockFolder fails: without flock, a recording that is being written looks like
// one that a crash left. Reading archives needs no lock.
func lockFolder(string) (*folderLock, error) {
	return nil, fmt.Errorf("could not lock the recording: %w", errors.ErrUnsupported)
}

// waitForLock locks nothing: see HeadDir.
func waitForLock(string) (*folderLock, error) { return new(folderLock), nil }
