//go:build linux && (amd64 || arm64)

package durable

import (
	"os"
	"syscall"
)

// StartWrite asks the system to begin to write bytes from to end of f to the
// disk, and does not wait. Otherwise the system would begin at the fsync, or
// after half a minute, with everything at once. Nothing is durable before Sync,
// which also reports errors.
//
//	sync_file_range(f, from, end-from, SYNC_FILE_RANGE_WRITE)
func StartWrite(f *os.File, from, end int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE, which package syscall lacks
	// A file system without this call does the same work later.
	_ = syscall.SyncFileRange(int(f.Fd()), from, end-from, write)
}
