package dir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/sealtape/sealtape/archive"
)

// Get implements archive.Store.
func (s *Store) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := archive.ValidName(name); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("offset %d: %w", off, fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, _, err := s.open(name)
	if err != nil {
		return nil, fmt.Errorf("could not read %s: %w", name, mapError(err))
	}
	if n < 0 {
		n = math.MaxInt64 - off
	}
	return section{io.NewSectionReader(f, off, n), f}, nil
}

// section hides all of the file except the bytes asked for.
type section struct {
	io.Reader
	io.Closer
}

// List implements archive.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) {
		if !archive.ValidPrefix(prefix) {
			return
		}
		dir := "."
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			dir = prefix[:i]
		}
		s.walk(ctx, dir, prefix, yield)
	}
}

// Stat implements archive.Store. A folder has no SHA-256 of its files.
func (s *Store) Stat(ctx context.Context, name string) (archive.Info, error) {
	if err := archive.ValidName(name); err != nil {
		return archive.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return archive.Info{}, err
	}
	fi, err := s.lstat(name)
	if err != nil {
		return archive.Info{}, fmt.Errorf("could not look at %s: %w", name, mapError(err))
	}
	return archive.Info{Name: name, Size: fi.Size(), Modified: fi.ModTime()}, nil
}

// walk yields the objects below dir and reports whether the caller wants more.
func (s *Store) walk(ctx context.Context, dir, prefix string, yield func(archive.Info, error) bool) bool {
	entries, err := s.readDir(ctx, dir)
	if err != nil {
		yield(archive.Info{}, err)
		return false
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case archive.ValidName(name) != nil:
		case e.IsDir():
			if below := name + "/"; !strings.HasPrefix(below, prefix) && !strings.HasPrefix(prefix, below) {
				continue
			}
			if !s.walk(ctx, name, prefix, yield) {
				return false
			}
		case e.Type().IsRegular() && strings.HasPrefix(name, prefix):
			// Not e.Info: it uses the path and not the root.
			fi, err := s.root.Lstat(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted since
			}
			if err != nil {
				yield(archive.Info{}, fmt.Errorf("could not list %s: %w", name, mapError(err)))
				return false
			}
			if !yield(archive.Info{Name: name, Size: fi.Size()}, nil) {
				return false
			}
		}
	}
	return true
}

// readDir returns what is in dir, in the order of the names of the objects below:
// a folder sorts as its name with a slash, after '-' and '.'. A missing folder is
// empty.
func (s *Store) readDir(ctx context.Context, dir string) ([]fs.DirEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	var d *os.File
	err := s.isFolder(dir)
	if err == nil {
		d, err = s.root.Open(dir)
	}
	if err == nil {
		defer d.Close() // only read from
		entries, err = d.ReadDir(-1)
	}
	switch {
	case err == nil:
	case dir == "." && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %v", archive.ErrNoStore, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil // gone, or a file or link: nothing is below it
	default:
		return nil, fmt.Errorf("could not list %s: %w", dir, mapError(err))
	}
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	return entries, nil
}

// Prefixes implements archive.Store. It reads one folder, and of each folder in
// it only as much as it takes to find a file. A folder that it may not read
// counts, and so does whatever else has the name of a recording, such as a link to
// its folder: reading from it says what that is.
func (s *Store) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := s.readDir(ctx, ".")
		if err != nil {
			yield("", err)
			return
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name()+"/", b.Name()+"/") })
		for _, e := range entries {
			if !e.IsDir() && archive.ValidID(e.Name()) == nil {
				if !yield(e.Name(), nil) {
					return
				}
				continue
			}
			if !e.IsDir() || archive.ValidName(e.Name()) != nil {
				continue
			}
			for _, err := range s.List(ctx, e.Name()+"/") {
				if err != nil && !errors.Is(err, archive.ErrDenied) {
					yield("", err)
					return
				}
				if !yield(e.Name(), nil) {
					return
				}
				break
			}
		}
	}
}
