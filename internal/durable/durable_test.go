package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sealtape/sealtape/internal/durable"
)

// names returns the names in dir, so that a test sees what was left behind.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, e := range entries {
		s = append(s, e.Name())
	}
	return s
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode().Perm()
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "head")
	for _, want := range []string{"first, and rather long", "second", ""} {
		if err := durable.WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); string(got) != want {
			t.Errorf("content is %q, want %q", got, want)
		}
	}
	if m := mode(t, path); m != 0o600 {
		t.Errorf("mode is %o, want 600", m)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the folder holds %q, want only head", got)
	}
}

// A WriteFile that fails leaves neither a changed file nor litter.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(taken, []byte("x")); err == nil {
		t.Error("WriteFile replaced a folder")
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the folder holds %q, want only taken", got)
	}
	err := durable.WriteFile(filepath.Join(dir, "missing", "file"), nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: got %v, want fs.ErrNotExist", err)
	}
}

// Readers never see a mixture, however many write.
func TestWriteFileConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "head")
	full := func(b byte) []byte { return bytes.Repeat([]byte{b}, 100_000) }
	if err := durable.WriteFile(path, full('a')); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, b := range []byte("bcd") {
		wg.Go(func() {
			for range 10 {
				if err := durable.WriteFile(path, full(b)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 30 {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 100_000 || !bytes.Equal(got, full(got[0])) {
			t.Fatal("read a mixture")
		}
	}
	wg.Wait()
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	tmp, path := filepath.Join(dir, ".tmp-1"), filepath.Join(dir, "object")
	if err := os.WriteFile(tmp, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Link(tmp, path); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "object" {
		t.Errorf("the folder holds %q, want only object", got)
	}

	if err := os.WriteFile(tmp, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Link(tmp, path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an existing name: got %v, want fs.ErrExist", err)
	}
	if got := content(t, path); string(got) != "one" {
		t.Errorf("content is %q, want the first", got)
	}
	if got := content(t, tmp); string(got) != "two" {
		t.Errorf("the temporary file holds %q, want what it held", got)
	}
}

// Of many who publish under one name, one succeeds.
func TestLinkConcurrent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "object")
	var wg sync.WaitGroup
	won := make(chan string, 8)
	for i := range 8 {
		tmp := filepath.Join(dir, fmt.Sprintf(".tmp-%d", i))
		if err := os.WriteFile(tmp, []byte(tmp), 0o600); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			switch err := durable.Link(tmp, path); {
			case err == nil:
				won <- tmp
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d succeeded, want 1", len(won))
	}
	if got, want := string(content(t, path)), <-won; got != want {
		t.Errorf("content is %q, want that of the winner %q", got, want)
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(path); err != nil {
			t.Fatal(err)
		}
	}
	for p := path; p != dir; p = filepath.Dir(p) {
		if m := mode(t, p); m != 0o700 {
			t.Errorf("%s: mode is %o, want 700", p, m)
		}
	}
	if err := durable.MkdirAll("/"); err != nil {
		t.Errorf("the root: %v", err)
	}
	if err := durable.MkdirAll("."); err != nil {
		t.Errorf("the working folder: %v", err)
	}

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{file, filepath.Join(file, "below")} {
		if err := durable.MkdirAll(p); err == nil {
			t.Errorf("MkdirAll(%s) made a folder of a file", p)
		}
	}
}

func TestMkdirAllConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := durable.MkdirAll(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestChange(t *testing.T) {
	dir := t.TempDir()
	called := false
	err := durable.Change(filepath.Join(dir, "missing"), func() error { called = true; return nil })
	if !errors.Is(err, fs.ErrNotExist) || called {
		t.Errorf("got %v, want fs.ErrNotExist; called %t", err, called)
	}
	failed := errors.New("failed")
	if err := durable.Change(dir, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	// The folder is open before: it is synced though its name is gone.
	gone := filepath.Join(dir, "a")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.Change(gone, func() error { return os.Remove(gone) }); err != nil {
		t.Errorf("its own name went: %v", err)
	}
}
