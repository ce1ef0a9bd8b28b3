package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
)

func TestModified(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Put(t.Context(), "a/b", archive.BytesBlob([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(folder, "a", "b"), want, want); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Modified(t.Context(), "a/b"); err != nil || !got.Equal(want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, name := range []string{"a", "a/c", "a/b/c", "x/y"} {
		if _, err := s.Modified(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Modified(t.Context(), "../a"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("outside: %v", err)
	}
}
