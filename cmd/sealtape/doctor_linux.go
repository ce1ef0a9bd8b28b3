package main

import (
	"errors"
	"os"
	"syscall"
)

// checkMachine looks for ways in which memory gets to a disk.
func checkMachine(d *diagnosis) {
	const section = "machine"
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit)
	var pattern []byte
	if err == nil {
		pattern, err = os.ReadFile("/proc/sys/kernel/core_pattern")
	}
	open, derr := dumpable()
	if err = errors.Join(err, derr); err != nil {
		d.unknown(section, "core dumps", "%v", err)
	} else {
		coreFinding(d, limit.Cur, open, string(pattern))
		memoryFinding(d, open)
	}
	swaps, err := swapDevices()
	if err != nil {
		d.unknown(section, "swap", "%v", err)
	} else {
		swapFinding(d, swaps)
	}
}

// freeSpace returns how many bytes the file system of path has left for us.
func freeSpace(path string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
