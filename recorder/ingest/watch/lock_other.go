//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package watch

import "errors"

// A lock is a file that one process holds.
type lock struct{}

// takeLock fails: without flock, two processes could import the same.
func takeLock(string) (*lock, error) { return nil, errors.ErrUnsupported }

// Close gives up the lock.
func (*lock) Close() error { return nil }

// syncFolder does nothing: there is no such thing here.
func syncFolder(string) error { return nil }
