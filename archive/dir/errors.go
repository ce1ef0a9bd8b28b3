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
