//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package archive

import (
	"errors"
	"syscall"
	"testing"
)

// A child process that was forked and has not begun its program yet holds a
// copy of the lock's file. It must not keep the lock.
func TestLockIsGivenUpThoughAChildHasACopy(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := syscall.Dup(int(lock.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(copied)
	if _, err := lockFolder(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("a second lock: %v, want ErrBusy", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockFolder(dir)
	if err != nil {
		t.Fatalf("after the lock was given up: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
