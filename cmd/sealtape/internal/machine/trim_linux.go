package machine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Trim gives back what this process has mapped of its program's file and does not write to:
// pages that were needed to start, most of which are not needed again. Those that are come
// back from the page cache, where all processes of the program share them (madvise(2),
// MADV_DONTNEED).
func Trim() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	var errs []error
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// 00400000-0178a000 r-xp 00000000 fe:00 10887547   /usr/bin/sealtape
		fields := strings.Fields(lines.Text())
		var from, to uintptr
		if len(fields) < 6 || strings.Join(fields[5:], " ") != exe || fields[1] != "r-xp" && fields[1] != "r--p" {
			continue
		}
		if n, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to); n != 2 || err != nil {
			continue
		}
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED); errno != 0 {
			errs = append(errs, errno)
		}
	}
	return errors.Join(errs...)
}
