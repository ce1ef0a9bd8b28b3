package access

import (
	"context"
	"errors"
	"io"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
)

// Watched returns the store with a progress bar for reading all of a recording
// once. The caller calls finish.
func (a *Access) Watched(ctx context.Context, what, id string) (s archive.Store, finish func(), err error) {
	if !terminal.Is(a.Env.Stderr) {
		return a.Store, func() {}, nil
	}
	var total int64
	for info, err := range archive.List(ctx, a.Store, id+"/") {
		if errors.Is(err, archive.ErrDenied) {
			break // whoever verifies says so
		} else if err != nil {
			return nil, nil, err
		}
		total += info.Size
	}
	bar := a.Env.Progress(what, total)
	return &watchedStore{a.Store, bar}, bar.Finish, nil
}

// A watchedStore counts what is read.
type watchedStore struct {
	archive.Store
	bar *terminal.Bar
}

func (s *watchedStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Get(ctx, name, off, n)
	if err != nil {
		return nil, err
	}
	return &watchedReader{r, s.bar}, nil
}

type watchedReader struct {
	io.ReadCloser
	bar *terminal.Bar
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.bar.Add(int64(n))
	return n, err
}
