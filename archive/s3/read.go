package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// Get implements archive.Store, with one request.
func (s *Store) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := archive.ValidName(name); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("offset %d: %w", off, fs.ErrInvalid)
	}
	r, err := s.get(ctx, name, off, n)
	if err != nil {
		return nil, fmt.Errorf("could not read %s: %w", name, mapError(err))
	}
	return r, nil
}

func (s *Store) get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	nothing := io.NopCloser(bytes.NewReader(nil))
	if n == 0 { // HTTP has no range of no bytes
		_, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
		return nothing, err
	}
	var opts minio.GetObjectOptions
	var err error
	switch {
	case n > 0 && n <= math.MaxInt64-off:
		err = opts.SetRange(off, off+n-1)
	case off > 0:
		err = opts.SetRange(off, 0) // to the end
	}
	if err != nil {
		return nil, err
	}
	body, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix+name, opts)
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return nothing, nil // beyond the end
	}
	return body, err
}

// Stat implements archive.Store, with one HEAD request: the server computed the
// checksum when the object arrived.
func (s *Store) Stat(ctx context.Context, name string) (archive.Info, error) {
	if err := archive.ValidName(name); err != nil {
		return archive.Info{}, err
	}
	info, err := s.stat(ctx, name)
	if err != nil {
		return archive.Info{}, fmt.Errorf("could not look at %s: %w", name, mapError(err))
	}
	sum, _ := s.kept(info)
	return archive.Info{Name: name, Size: info.Size, SHA256: sum, Modified: info.LastModified}, nil
}

// List implements archive.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) {
		if !archive.ValidPrefix(prefix) {
			return
		}
		last := ""
		for object, err := range s.list(ctx, prefix, true) {
			if err != nil {
				yield(archive.Info{}, fmt.Errorf("could not list %q: %w", prefix, mapError(err)))
				return
			}
			name := strings.TrimPrefix(object.Key, s.prefix)
			if archive.ValidName(name) != nil {
				continue // "folders" made by web consoles, for example
			}
			// A caller who resumes a listing relies on the order, so refuse a
			// server that lists without order (S3's directory buckets).
			if name <= last {
				yield(archive.Info{}, fmt.Errorf("the store lists %s after %s: not in byte order", name, last))
				return
			}
			last = name
			if !yield(archive.Info{Name: name, Size: object.Size}, nil) {
				return
			}
		}
	}
}

// Prefixes implements archive.Store, by a listing that stops at slashes.
func (s *Store) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for object, err := range s.list(ctx, "", false) {
			if err != nil {
				yield("", fmt.Errorf("could not list: %w", mapError(err)))
				return
			}
			name, isPrefix := strings.CutSuffix(strings.TrimPrefix(object.Key, s.prefix), "/")
			if !isPrefix || archive.ValidName(name) != nil {
				continue
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}

// list yields the server's listing, page by page. Unlike minio-go's listing, it
// ends with an error when the context ends.
func (s *Store) list(ctx context.Context, prefix string, recursive bool) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		for object := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
			Prefix: s.prefix + prefix, Recursive: recursive, MaxKeys: s.page, FetchOwner: new(bool),
		}) {
			if object.Err != nil {
				yield(minio.ObjectInfo{}, object.Err)
				return
			}
			if !strings.HasPrefix(object.Key, s.prefix+prefix) {
				yield(minio.ObjectInfo{}, errors.New("the store lists an object that was not asked for"))
				return
			}
			if !yield(object, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(minio.ObjectInfo{}, err)
		}
	}
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
