package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// harden keeps this process's memory, keys and plaintext included, to itself: a
// crash writes no core, whatever the kernel's core_pattern says, and no other
// process of the same user can attach to it or read it through /proc
// (PR_SET_DUMPABLE(2const), core(5)). Programs that it starts begin anew with
// the second, and inherit the first.
//
// Nothing is locked into memory (mlock(2)): a Go heap is not in one place, and a
// limit on it would end the recording. See unitFile for how to keep it from swap.
func harden() error {
	var errs []error
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("core dumps are not off: %w", err))
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("other programs may read the memory: %w", err))
	}
	return errors.Join(errs...)
}

// privateFiles makes what this process creates from now on readable to its user
// only.
func privateFiles() { syscall.Umask(0o077) }

// dumpable reports whether harden had no effect on the memory.
func dumpable() (bool, error) {
	n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return n != 0, err
}

// swapDevices returns where memory can be written to.
func swapDevices() ([]string, error) {
	b, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return nil, err
	}
	return diskSwaps(string(b)), nil
}
