package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/s3"
)

// showPolicy prints the policy for a recorder's key in the bucket of a store.
func (e *env) showPolicy(store string) error {
	location := strings.TrimPrefix(store, "s3://")
	config, err := s3.Locate(location)
	if err != nil {
		return usageError{fmt.Errorf("--store: %w", err), "sealtape"}
	}
	policy, err := config.Policy()
	if errors.Is(err, fs.ErrInvalid) {
		return usageError{fmt.Errorf("--store: %w", err), "sealtape"}
	} else if err != nil {
		return err
	}
	e.printf("%s\n", policy)
	if config.Endpoint != "" {
		e.notef("sealtape: only Amazon's policies can demand If-None-Match. Keep versions in this bucket: then what is overwritten is still there.")
		if config.KMS && !strings.HasPrefix(config.KMSKey, "arn:") {
			e.notef("sealtape: that the key may be used, which kms names, the server has to be told in its own way.")
		}
	}
	return nil
}

// openS3 opens the store at bucket/prefix?settings. The server is asked for it, so that a
// wrong name or key is told before anything is begun.
func (e *env) openS3(ctx context.Context, location string) (archive.Store, error) {
	if bucket, _, _ := strings.Cut(location, "/"); bucket == "" {
		return nil, usageError{errors.New("--store: s3:// without a bucket, want s3://bucket/prefix"), "sealtape"}
	}
	c, err := s3.FromEnv(location)
	if errors.Is(err, archive.ErrDenied) {
		return nil, fmt.Errorf("opening the store: %w", err)
	} else if err != nil {
		return nil, usageError{fmt.Errorf("--store: %w", err), "sealtape"}
	}
	e.warnPlainStore(c.Endpoint)
	s, err := s3.Open(ctx, c)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, archive.ErrDenied), errors.Is(err, archive.ErrNoStore), ctx.Err() != nil:
		return nil, err // these have their hints
	case errors.Is(err, fs.ErrInvalid):
		return nil, usageError{fmt.Errorf("--store: %w", err), "sealtape"}
	case errors.Is(err, archive.ErrRefused):
		return nil, hinted(err, "the server answers: check the name of the bucket, and AWS_REGION")
	}
	return nil, hinted(err, "check AWS_ENDPOINT_URL, and that the server can be reached from here")
}
