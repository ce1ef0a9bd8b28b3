//go:build linux && (amd64 || arm64)

package durable

import (
	"os"
	"syscall"
)

// StartWrite asks the system to begin to bring bytes from to end of f to the
// disk, and does not wait. Left to itself it would begin with the fsync, or after
// half a minute, and then with all at once. Nothing is durable before Sync, which
// also tells of errors.
//
//	sync_file_range(f, from, end-from, SYNC_FILE_RANGE_WRITE)
func StartWrite(f *os.File, from, end int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE, which package syscall lacks
	// A file system that does not know it does the same work later.
	_ = syscall.SyncFileRange(int(f.Fd()), from, end-from, write)
}
