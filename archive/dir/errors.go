package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/sealtape/sealtape/archive"
)

// mapError makes err match archive.ErrDenied where the folder, not the object,
// is the reason and another try is pointless. What err matched it still does:
// syscall.ENOSPC is for the caller to tell the user.
func mapError(err error) error {
	switch {
	case errors.Is(err, archive.ErrSource), errors.Is(err, archive.ErrDenied),
		errors.Is(err, archive.ErrNoStore), errors.Is(err, archive.ErrConflict):
		return err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", archive.ErrDenied, err)
	}
	// os.Root refuses a symbolic link that leads out of it with an error of its
	// own, which is not exported but is no answer of the system either.
	var path *fs.PathError
	var errno syscall.Errno
	if errors.As(err, &path) && !errors.As(err, &errno) && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("%w: %w", archive.ErrDenied, err)
	}
	return err
}

// contextReader ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
