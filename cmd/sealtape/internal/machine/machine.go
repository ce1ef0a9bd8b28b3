// Package machine keeps what this process has in memory, keys and plaintext
// included, to itself, and tells by which ways it could still get to a disk.
//
// It knows Linux. Elsewhere Harden and PrivateFiles do nothing, and what asks the
// system returns errors.ErrUnsupported.
package machine

import "strings"

// Exposure says who else could get what this process has in memory.
type Exposure struct {
	// Dumpable: other programs of this user can read the memory, and a crash can
	// write it to a core file. [Harden] takes that from the process.
	Dumpable bool
	// CoreLimit is the largest core file, RLIMIT_CORE.
	CoreLimit uint64
	// CorePattern is where the kernel puts core files, or "|" and the program that it
	// hands them to; core(5).
	CorePattern string
}

// diskSwaps returns the devices of /proc/swaps that are disks.
func diskSwaps(swaps string) (disks []string) {
	lines := strings.Split(strings.TrimSpace(swaps), "\n")
	for _, line := range lines[1:] {
		device, _, _ := strings.Cut(line, " ")
		device, _, _ = strings.Cut(device, "\t")
		if !strings.HasPrefix(device, "/dev/zram") { // that is memory, too
			disks = append(disks, device)
		}
	}
	return disks
}
