package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// ShowPolicy prints the policy for a recorder's key in the bucket of a store.
func ShowPolicy(e *ui.Env, store string) error {
	location := strings.TrimPrefix(store, "s3://")
	config, err := s3.Locate(location)
	if err != nil {
		return ui.UsageError{Err: fmt.Errorf("--store: %w", err), Command: "sealtape"}
	}
	policy, err := config.Policy()
	if errors.Is(err, fs.ErrInvalid) {
		return ui.UsageError{Err: fmt.Errorf("--store: %w", err), Command: "sealtape"}
	} else if err != nil {
		return err
	}
	e.Printf("%s\n", policy)
	if config.Endpoint != "" {
		e.Notef("sealtape: only Amazon's policies can demand If-None-Match. Keep versions in this bucket: then what is overwritten is still there.")
		if config.KMS && !strings.HasPrefix(config.KMSKey, "arn:") {
			e.Notef("sealtape: that the key may be used, which kms names, the server has to be told in its own way.")
		}
	}
	return nil
}

// openS3 opens the store at bucket/prefix?settings. The server is asked for it, so that a
// wrong name or key is told before anything is begun.
func openS3(ctx context.Context, e *ui.Env, location string) (archive.Store, error) {
	if bucket, _, _ := strings.Cut(location, "/"); bucket == "" {
		return nil, ui.UsageError{Err: errors.New("--store: s3:// without a bucket, want s3://bucket/prefix"), Command: "sealtape"}
	}
	c, err := s3.FromEnv(location)
	if errors.Is(err, archive.ErrDenied) {
		return nil, fmt.Errorf("opening the store: %w", err)
	} else if err != nil {
		return nil, ui.UsageError{Err: fmt.Errorf("--store: %w", err), Command: "sealtape"}
	}
	e.WarnPlainStore(c.Endpoint)
	s, err := s3.Open(ctx, c)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, archive.ErrDenied), errors.Is(err, archive.ErrNoStore), ctx.Err() != nil:
		return nil, err // these have their hints
	case errors.Is(err, fs.ErrInvalid):
		return nil, ui.UsageError{Err: fmt.Errorf("--store: %w", err), Command: "sealtape"}
	case errors.Is(err, archive.ErrRefused):
		return nil, ui.Hinted(err, "the server answers: check the name of the bucket, and AWS_REGION")
	}
	return nil, ui.Hinted(err, "check "+endpointSource(location)+", and that the server can be reached from here")
}

// endpointSource says what names the server of the store at bucket/prefix?settings.
func endpointSource(location string) string {
	_, query, _ := strings.Cut(location, "?")
	if given, err := url.ParseQuery(query); err == nil && given.Has("endpoint") {
		return "the endpoint in --store"
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return "AWS_REGION, or AWS_ENDPOINT_URL if it is not Amazon's"
}
