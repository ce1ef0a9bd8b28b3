package dir

import (
	"errors"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A file system without hard links, whatever it says of them, holds an archive
// all the same, and the store says what it cannot promise.
func TestNoLinks(t *testing.T) {
	tried := func(t *testing.T, errno syscall.Errno) archive.Store {
		s := withoutLinks(t, errno)
		if err := s.Put(t.Context(), "x", archive.BytesBlob(nil)); err != nil {
			t.Fatal(err)
		}
		if !s.Limits().Unguarded {
			t.Error("the store does not say that it is unguarded")
		}
		if err := s.Delete(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.EMLINK} {
		tried(t, errno)
	}
	storetest.Test(t, func(t *testing.T) archive.Store { return tried(t, syscall.EIO) })
	// Any other error is one.
	s := withoutLinks(t, syscall.ENOSPC)
	if err := s.Put(t.Context(), "x", archive.BytesBlob(nil)); !errors.Is(err, syscall.ENOSPC) || s.Limits().Unguarded {
		t.Errorf("got %v, want no space", err)
	}
}

func withoutLinks(t *testing.T, errno syscall.Errno) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.link = func(string, string) error { return errno }
	return s
}
