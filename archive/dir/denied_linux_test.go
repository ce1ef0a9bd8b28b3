package dir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// A file, and a folder, that may not be read leave the others to be read and listed.
func TestDenied(t *testing.T) {
	s, path := create(t)
	for _, name := range []string{"A/head", "B/head", "B/segments/1"} {
		put(t, s, name, name)
	}
	const nobody = 65534
	denied := []string{filepath.Join(path, "A"), filepath.Join(path, "B", "segments", "1")}
	for _, name := range denied {
		if err := os.Chmod(name, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(name, 0o700) })
	}
	if os.Geteuid() == 0 { // whom no mode stops
		if err := filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(name, nobody, nobody))
		}); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0) // of this thread; it returns no error
		defer syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
	}
	for name, want := range map[string]error{"A/head": archive.ErrDenied, "B/segments/1": archive.ErrDenied, "B/head": nil} {
		r, err := s.Get(t.Context(), name, 0, -1)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err == nil {
			r.Close()
		}
	}
	var got []string
	for name, err := range s.Prefixes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	if want := []string{"A", "B"}; !slices.Equal(got, want) {
		t.Errorf("prefixes %q, want %q", got, want)
	}
}
