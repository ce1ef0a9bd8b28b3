//go:build !linux || !(amd64 || arm64)

package durable

import "os"

// StartWrite does nothing: the system writes the bytes to the disk when it
// chooses, and at Sync at the latest.
func StartWrite(f *os.File, from, end int64) {}
