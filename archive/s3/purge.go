package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// Purge implements archive.Store. Besides the permissions that the package
// comment names, the key needs s3:ListBucketVersions on the bucket and
// s3:DeleteObjectVersion. It needs s3:GetObjectRetention and
// s3:GetObjectLegalHold to distinguish a retained object from one that it may not
// delete.
func (s *Store) Purge(ctx context.Context, prefix string) error {
	if !archive.ValidPrefix(prefix) || prefix == "" {
		return fmt.Errorf("prefix %q: %w", prefix, fs.ErrInvalid)
	}
	if err := s.purge(ctx, prefix); err != nil {
		return fmt.Errorf("could not remove %s: %w", prefix, err)
	}
	return nil
}

func (s *Store) purge(ctx context.Context, prefix string) error {
	var listErr error
	results, err := s.core.RemoveObjectsWithIter(ctx, s.bucket, s.versions(ctx, prefix, &listErr), minio.RemoveObjectsOptions{})
	if err != nil {
		return mapError(err)
	}
	var failed error // the first error that is no retention
	var retained *archive.RetainedError
	until := make(map[string]time.Time) // end of retention, as the server reports it, for objects it retains
	for r := range results {
		if r.Err == nil || minio.ToErrorResponse(r.Err).Code == minio.NoSuchVersion {
			continue
		}
		said := minio.ToErrorResponse(r.Err)
		why := said.Code + " " + said.Message
		t, known := until[why]
		if !known && failed == nil { // any other failure is returned anyway
			var held bool
			if t, held = s.retention(ctx, r.ObjectName, r.ObjectVersionID); held {
				until[why], known = t, true
			}
		}
		name := strings.TrimPrefix(r.ObjectName, s.prefix)
		if !known {
			failed = cmp.Or(failed, fmt.Errorf("%s: %w", name, mapDeleteError(r.Err)))
			continue
		}
		if retained == nil {
			retained = &archive.RetainedError{Object: name}
		}
		retained.Objects++
		if t.After(retained.Until) {
			retained.Until = t
		}
	}
	switch {
	case listErr != nil:
		if minio.ToErrorResponse(listErr).StatusCode == http.StatusNotImplemented {
			return s.deleteAll(ctx, prefix) // the server has no versions
		}
		return mapError(listErr)
	case failed != nil:
		return failed
	case ctx.Err() != nil: // the end of ctx ends a listing without an error
		return ctx.Err()
	case retained != nil:
		return retained
	}
	return nil
}

// versions yields all versions of what begins with prefix, deletion markers
// among them, up to the first error.
func (s *Store) versions(ctx context.Context, prefix string, failed *error) iter.Seq[minio.ObjectInfo] {
	return func(yield func(minio.ObjectInfo) bool) {
		for v := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
			Prefix: s.prefix + prefix, Recursive: true, WithVersions: true, MaxKeys: s.page,
		}) {
			if v.Err == nil && !strings.HasPrefix(v.Key, s.prefix+prefix) {
				v.Err = errors.New("the store lists an object that was not asked for")
			}
			if v.Err != nil {
				*failed = v.Err
				return
			}
			if !yield(minio.ObjectInfo{Key: v.Key, VersionID: v.VersionID}) {
				return
			}
		}
	}
}

// retention reports whether the server retains a version, and until when. until
// is zero if the retention has no end.
func (s *Store) retention(ctx context.Context, key, version string) (until time.Time, held bool) {
	if _, t, err := s.core.GetObjectRetention(ctx, s.bucket, key, version); err == nil && t != nil && t.After(time.Now()) {
		return *t, true
	}
	hold, err := s.core.GetObjectLegalHold(ctx, s.bucket, key, minio.GetObjectLegalHoldOptions{VersionID: version})
	return time.Time{}, err == nil && hold != nil && *hold == minio.LegalHoldEnabled
}

// mapDeleteError does what mapError does for one object of a request that removes
// many: the object has its own code, and no status.
func mapDeleteError(err error) error {
	if minio.ToErrorResponse(err).Code == minio.AccessDenied {
		return fmt.Errorf("%w: %w", archive.ErrDenied, err)
	}
	return mapError(err)
}

// deleteAll removes what a listing shows.
func (s *Store) deleteAll(ctx context.Context, prefix string) error {
	for info, err := range s.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if err := s.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return nil
}
