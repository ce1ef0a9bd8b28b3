package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/sealtape/sealtape/archive"
)

var _ archive.Dater = (*Store)(nil)

// Modified implements archive.Dater, with the file's time of modification.
func (s *Store) Modified(ctx context.Context, name string) (time.Time, error) {
	if err := archive.ValidName(name); err != nil {
		return time.Time{}, err
	}
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	fi, err := s.root.Lstat(name)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%w: no object", fs.ErrNotExist)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("could not look at %s: %w", name, mapError(err))
	}
	return fi.ModTime(), nil
}
