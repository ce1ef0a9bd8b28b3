//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package filelock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func mustTake(t *testing.T, path string) *Lock {
	t.Helper()
	l, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A child process that was forked and has not begun its program yet holds a copy of the
// lock's file. It must not keep the lock.
func TestGivenUpThoughAChildHasACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l := mustTake(t, path)
	copied, err := syscall.Dup(int(l.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(copied)
	if _, err := Take(path); !errors.Is(err, ErrHeld) {
		t.Errorf("a second lock: %v, want ErrHeld", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustTake(t, path).Close(); err != nil {
		t.Error(err)
	}
}

// Who waits has the lock when it is given up, and not before.
func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l := mustTake(t, path)
	got := make(chan *Lock)
	go func() {
		w, err := Wait(path)
		if err != nil {
			t.Error(err)
		}
		got <- w
	}()
	select {
	case <-got:
		t.Error("did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if w := <-got; w != nil {
		if _, err := Take(path); !errors.Is(err, ErrHeld) {
			t.Errorf("beside who waited: %v", err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file that was removed while it was held is no lock for who opened it before.
func TestRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := stillAt(f, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := stillAt(f, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
	if err := mustTake(t, path).Close(); err != nil {
		t.Error(err)
	}
	if err := stillAt(f, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another in its place: %v", err)
	}
	if _, err := Take(filepath.Join(path, "lock")); err == nil {
		t.Error("a lock in a folder that there is not")
	}
}

// A folder can be locked as a file can.
func TestTry(t *testing.T) {
	dir := t.TempDir()
	open := func() *os.File {
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := open(), open()
	defer b.Close()
	if err := Try(a); err != nil {
		t.Fatal(err)
	}
	if err := Try(b); !errors.Is(err, ErrHeld) {
		t.Errorf("a second: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Try(b); err != nil {
		t.Errorf("after the first: %v", err)
	}
}
