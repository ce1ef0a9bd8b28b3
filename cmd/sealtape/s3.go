package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/s3"
)

// openS3 opens the store at bucket/prefix. The server is asked for it, so that a
// wrong name or key is told before anything is begun.
func (e *env) openS3(ctx context.Context, location string) (archive.Store, error) {
	bucket, prefix, _ := strings.Cut(location, "/")
	if bucket == "" {
		return nil, usageError{errors.New("--store: s3:// without a bucket, want s3://bucket/prefix"), "sealtape"}
	}
	c, err := s3.FromEnv(bucket, prefix)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	e.warnPlainStore(c.Endpoint)
	s, err := s3.Open(ctx, c)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, archive.ErrDenied), errors.Is(err, archive.ErrNoStore), ctx.Err() != nil:
		return nil, err // these have their hints
	}
	return nil, hinted(err, "check AWS_ENDPOINT_URL, and that the server can be reached from here")
}
