package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Without hard links a file gets its name all the same, and no other's.
func TestNoLinks(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EIO, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		noLinks := func(string, string) error { return errno }
		dir := t.TempDir()
		tmp, path := filepath.Join(dir, "a.part"), filepath.Join(dir, "a")
		for i, want := range []error{nil, fs.ErrExist} {
			if err := os.WriteFile(tmp, []byte{byte(i)}, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := linkBy(noLinks, tmp, path); !errors.Is(err, want) {
				t.Errorf("%v, put %d: got %v, want %v", errno, i, err, want)
			}
		}
		if b, err := os.ReadFile(path); err != nil || len(b) != 1 || b[0] != 0 {
			t.Errorf("%v: holds %v, %v", errno, b, err)
		}
	}
	if err := linkBy(func(string, string) error { return syscall.ENOSPC }, "a", "b"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk: %v", err)
	}
}
