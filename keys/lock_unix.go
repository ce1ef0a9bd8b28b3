//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package keys

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits until no other changes what is pinned, and returns what gives it up.
// It ends with the process at the latest.
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
	// By name: closing alone would leave it to a child that was just forked.
	return func() error { return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close()) }, nil
}
