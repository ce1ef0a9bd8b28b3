package dir_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// create returns an empty store and the folder it is in.
func create(t *testing.T) (*dir.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a", "store")
	s, err := dir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wantNoTemp(t, path)
	})
	return s, path
}

// files returns the paths of all that is below the folder but folders.
func files(t *testing.T, path string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(path), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

func wantNoTemp(t *testing.T, path string) {
	t.Helper()
	for _, name := range files(t, path) {
		if strings.HasPrefix(filepath.Base(name), ".tmp-") {
			t.Errorf("left %s behind", name)
		}
	}
}

func put(t *testing.T, s archive.Store, name, data string) {
	t.Helper()
	if err := s.Put(t.Context(), name, archive.BytesBlob([]byte(data))); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) archive.Store {
		s, _ := create(t)
		return s
	})
}

func TestOpen(t *testing.T) {
	path := t.TempDir()
	if _, err := dir.Open(filepath.Join(path, "missing")); !errors.Is(err, archive.ErrNoStore) {
		t.Errorf("a missing folder: got %v, want ErrNoStore", err)
	}
	file := filepath.Join(path, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(file); !errors.Is(err, archive.ErrNoStore) {
		t.Errorf("a file: got %v, want ErrNoStore", err)
	}
	if _, err := dir.Create(file); err == nil {
		t.Error("Create made a folder of a file")
	}
	if got := files(t, path); len(got) != 1 {
		t.Errorf("Open made %q", got)
	}
}

// What was put is there for the next process, as plain files.
func TestLayout(t *testing.T) {
	s, path := create(t)
	put(t, s, "ID/head", "head")
	put(t, s, "ID/segments/000000.age", "segment")
	if got := files(t, path); !slices.Equal(got, []string{"ID/head", "ID/segments/000000.age"}) {
		t.Errorf("the folder holds %q", got)
	}
	data, err := os.ReadFile(filepath.Join(path, "ID", "segments", "000000.age"))
	if err != nil || string(data) != "segment" {
		t.Errorf("the file holds %q, %v", data, err)
	}
	for name, want := range map[string]fs.FileMode{"ID": 0o700, "ID/segments": 0o700, "ID/head": 0o600} {
		fi, err := os.Stat(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := fi.Mode().Perm(); got != want {
			t.Errorf("%s: mode is %o, want %o", name, got, want)
		}
	}
	again, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	put(t, again, "ID/head", "head")
	err = again.Put(t.Context(), "ID/head", archive.BytesBlob([]byte("hed")))
	if !errors.Is(err, archive.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

// Deleting the last object of a recording leaves no empty folders.
func TestDeleteRemovesFolders(t *testing.T) {
	s, path := create(t)
	put(t, s, "ID/a/b/c", "x")
	put(t, s, "ID/head", "x")
	if err := s.Delete(t.Context(), "ID/a/b/c"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path, "ID", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder is left: %v", err)
	}
	if err := s.Delete(t.Context(), "ID/head"); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// A folder that was removed under the store is no empty store.
func TestFolderRemoved(t *testing.T) {
	s, path := create(t)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "ID/head", archive.BytesBlob(nil)); !errors.Is(err, archive.ErrNoStore) {
		t.Errorf("Put: got %v, want ErrNoStore", err)
	}
}

// A Blob that cannot be read is not the store's fault.
func TestSourceDenied(t *testing.T) {
	s, _ := create(t)
	b := archive.BytesBlob([]byte("x"))
	b.Open = func() (io.ReadCloser, error) {
		return nil, &fs.PathError{Op: "open", Path: "spool", Err: syscall.EACCES}
	}
	err := s.Put(t.Context(), "ID/head", b)
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, archive.ErrDenied) {
		t.Errorf("got %v, want the source's fs.ErrPermission and not ErrDenied", err)
	}
}

func BenchmarkPut(b *testing.B) {
	s, err := dir.Create(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	blob := archive.BytesBlob(make([]byte, 1<<20))
	blob.Replace = true
	b.SetBytes(blob.Size)
	for b.Loop() {
		if err := s.Put(b.Context(), "ID/segments/000000.age", blob); err != nil {
			b.Fatal(err)
		}
	}
}
