package watch

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// hasWriter reports whether a program has a file open for writing, as far as the system
// tells. Linux gives no lease for reading to a file that somebody has: fcntl(2). It gives
// leases to a file's owner only, and not on every file system: then nothing is known.
func hasWriter(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a FIFO by now
	if err != nil {
		return false // who reads it next says why
	}
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, syscall.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, syscall.F_UNLCK) // Close does, too
	}
	return errors.Is(err, syscall.EAGAIN)
}
