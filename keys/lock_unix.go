//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package keys

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits until nobody else changes what is pinned, and returns the function
// that frees the lock. The end of the process frees it too.
func (h *Home) lock() (unlock func() error, err error) {
	f, err := os.OpenFile(h.path(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("could not lock the pinned cards: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("could not lock the pinned cards: %w", err), f.Close())
		}
	}
	// Explicitly: closing alone would leave the lock to a child that was just
	// forked.
	return func() error { return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close()) }, nil
}
