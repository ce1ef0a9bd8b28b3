package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"syscall/js"

	"github.com/sealtape/sealtape/archive"
)

// fetchesAtOnce is how many objects are on their way at once.
const fetchesAtOnce = 8

// A store is the page's: it is read only. The page's platform fetches and hashes.
type store struct {
	host  host
	slots chan struct{}
}

var _ archive.Digester = (*store)(nil)

func newStore(h host) *store { return &store{h, make(chan struct{}, fetchesAtOnce)} }

// storeErrors are what the page's store says, by kind.
var storeErrors = map[string]error{
	"absent":    fs.ErrNotExist,
	"refused":   archive.ErrDenied,
	"expired":   errors.Join(archive.ErrExpired, archive.ErrDenied),
	"tooLarge":  archive.ErrTooLarge,
	"notListed": archive.ErrNotListed,
}

// storeError gives an error of the host the kind that package archive knows.
func storeError(err error) error {
	var e *hostError
	if errors.As(err, &e) {
		if kind := storeErrors[e.kind]; kind != nil {
			return fmt.Errorf("%w: %w", kind, e)
		}
	}
	return err
}

// GetDigest implements archive.Digester.
func (s *store) GetDigest(ctx context.Context, name string, max int64) (data []byte, sum [sha256.Size]byte, err error) {
	if err := archive.ValidName(name); err != nil {
		return nil, sum, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, sum, ctx.Err()
	}
	v, err := s.host.request(ctx, "get", map[string]any{"name": name, "max": max}, js.Undefined())
	if err != nil {
		return nil, sum, storeError(err)
	}
	if n := int64(v.Get("bytes").Length()); n > max {
		return nil, sum, fmt.Errorf("%w: %d bytes", archive.ErrTooLarge, n)
	}
	digest, err := fromJS(v.Get("digest"))
	if err != nil || len(digest) != sha256.Size {
		return nil, sum, errors.Join(err, errNoBytes)
	}
	data, err = fromJS(v.Get("bytes"))
	return data, [sha256.Size]byte(digest), err
}

// Get implements archive.Store.
func (s *store) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if off < 0 {
		return nil, fmt.Errorf("offset %d: %w", off, fs.ErrInvalid)
	}
	data, _, err := s.GetDigest(ctx, name, archive.MaxObject)
	if err != nil {
		return nil, err
	}
	data = data[min(off, int64(len(data))):]
	if n >= 0 {
		data = data[:min(n, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// List implements archive.Store.
func (s *store) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) {
		v, err := s.host.request(ctx, "list", map[string]any{"prefix": prefix}, js.Undefined())
		if err != nil {
			yield(archive.Info{}, storeError(err))
			return
		}
		var list []struct {
			Name string
			Size int64
		}
		if err := json.Unmarshal([]byte(v.String()), &list); err != nil {
			yield(archive.Info{}, err)
			return
		}
		for _, o := range list {
			if archive.ValidName(o.Name) == nil && strings.HasPrefix(o.Name, prefix) && !yield(archive.Info{Name: o.Name, Size: o.Size}, nil) {
				return
			}
		}
	}
}

// Prefixes implements archive.Store.
func (s *store) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for info, err := range s.List(ctx, "") {
			if err != nil {
				yield("", err)
				return
			}
			first, _, folder := strings.Cut(info.Name, "/")
			if folder && first != last && !yield(first, nil) {
				return
			}
			last = first
		}
	}
}

// Stat implements archive.Store. The page's store does not know more than it reads.
func (s *store) Stat(context.Context, string) (archive.Info, error) {
	return archive.Info{}, errReadOnly
}

var errReadOnly = fmt.Errorf("the page's store only reads: %w", archive.ErrRefused)

// Put implements archive.Store.
func (s *store) Put(context.Context, string, archive.Blob) error { return errReadOnly }

// Delete implements archive.Store.
func (s *store) Delete(context.Context, string) error { return errReadOnly }

// Purge implements archive.Store.
func (s *store) Purge(context.Context, string) error { return errReadOnly }

// Limits implements archive.Store.
func (s *store) Limits() archive.Limits { return archive.Limits{} }
