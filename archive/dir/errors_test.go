package dir

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// The errors that a test cannot provoke, as root or on a disk with room.
func TestMapError(t *testing.T) {
	for _, tt := range []struct {
		errno  syscall.Errno
		denied bool
	}{
		{syscall.ENOSPC, false},
		{syscall.EIO, false},
		{syscall.EACCES, true},
		{syscall.EPERM, true},
		{syscall.EROFS, true},
	} {
		err := mapError(&fs.PathError{Op: "write", Path: "a", Err: tt.errno})
		if !errors.Is(err, tt.errno) {
			t.Errorf("%v: the error no longer matches it", tt.errno)
		}
		if got := errors.Is(err, archive.ErrDenied); got != tt.denied {
			t.Errorf("%v: ErrDenied is %t, want %t", tt.errno, got, tt.denied)
		}
	}
	if err := mapError(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}
