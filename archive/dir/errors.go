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

// mapError makes err match archive.ErrDenied if the folder, and not the object,
// is the reason and another try is pointless. The result still matches what err
// matched: the caller may tell the user of syscall.ENOSPC.
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

// contextReader fails once its context has ended.
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
