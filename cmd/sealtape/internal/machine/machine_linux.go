package machine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Harden keeps this process's memory to itself: a crash writes no core, whatever
// the kernel's core_pattern says, and no other process of the same user can attach
// to it or read it through /proc (PR_SET_DUMPABLE(2const), core(5)). Programs that
// it starts begin anew with the second, and inherit the first.
//
// Nothing is locked into memory (mlock(2)): a Go heap is not in one place, and a
// limit on it would end the recording. The systemd unit says how to keep it from
// swap.
func Harden() error {
	var errs []error
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("core dumps are not off: %w", err))
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("other programs may read the memory: %w", err))
	}
	return errors.Join(errs...)
}

// PrivateFiles makes what this process creates from now on readable to its user
// only.
func PrivateFiles() { syscall.Umask(0o077) }

// Exposed returns who else could get what this process has in memory.
func Exposed() (x Exposure, err error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		return x, err
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		return x, err
	}
	n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return Exposure{Dumpable: n != 0, CoreLimit: limit.Cur, CorePattern: strings.TrimSpace(string(pattern))}, err
}

// DiskSwaps returns the disks that memory can be written to.
func DiskSwaps() ([]string, error) {
	b, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return nil, err
	}
	return diskSwaps(string(b)), nil
}

// FreeSpace returns how many bytes the file system of path has left for this user.
func FreeSpace(path string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
