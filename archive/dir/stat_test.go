package dir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
)

func TestStat(t *testing.T) {
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
	if got, err := s.Stat(t.Context(), "a/b"); err != nil || !got.Modified.Equal(want) || got.Size != 1 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
