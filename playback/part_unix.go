//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package playback

import (
	"os"
	"syscall"
)

// lockPart locks an open file or folder until it is closed. It fails if another
// process has locked it.
func lockPart(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
