package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/s3"
)

// openS3 opens the store at bucket/prefix, which the bucket is asked for once,
// so that a wrong name or key is told before anything is begun.
func openS3(ctx context.Context, location string) (archive.Store, error) {
	bucket, prefix, _ := strings.Cut(location, "/")
	if bucket == "" {
		return nil, usageError{errors.New("--store: s3:// without a bucket, want s3://bucket/prefix"), "sealtape"}
	}
	c, err := s3.FromEnv(bucket, prefix)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s, err := s3.New(c)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	for _, err := range s.List(ctx, archive.NewID()+"/") { // there is none, but the answer tells
		if err != nil {
			return nil, fmt.Errorf("opening the store s3://%s: %w", location, err)
		}
	}
	return s, nil
}
