//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package webhook

// lockFolder does nothing where there is no flock: then two processes may deliver one event
// twice, which has the same ID both times.
func lockFolder(string) (unlock func() error, err error) { return func() error { return nil }, nil }

// syncFolder does nothing where folders cannot be synced.
func syncFolder(string) error { return nil }
