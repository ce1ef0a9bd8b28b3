// Package dir stores an archive's objects as files below one folder: object
// "ID/segments/000000.age" is the file of that path. The recorder's spool is such
// a folder, and so is a store that --store ./folder names.
//
// All access goes through an os.Root, so no name and no symbolic link in the
// folder leads out of it. Links within the folder are not followed either. Only
// regular files are objects: for anything else in the place of one, the error is
// an archive.NotObjectError. Files have mode 0600, folders 0700.
//
// An object appears under its name whole, synced to the disk and checked, or not
// at all. It is written to a file ".tmp-…" in the same folder, which List never
// yields, and then linked to its name (or renamed to it, for a Blob with
// Replace). FAT and some network shares have no hard links. There Put looks
// whether the name is free and then renames, and Limits reports that the store is
// Unguarded. A process that is killed in the middle of a Put can leave a ".tmp-…"
// file. It may be removed when nothing writes to the folder.
package dir

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/internal/notes"
	"github.com/sealtape/sealtape/internal/durable"
)

// A Store is an archive.Store over a folder.
type Store struct {
	root *os.Root
	link func(old, new string) error // of root, except in tests

	noLinks  atomic.Bool // the file system has no hard links
	renaming sync.Mutex  // held from checking that a name is free to renaming to it
}

var _ archive.Store = (*Store)(nil)

// Open returns the store in the folder path. If path does not exist or is no
// folder, the error wraps archive.ErrNoStore. So a mistyped path never looks like
// an empty archive.
func Open(path string) (*Store, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", archive.ErrNoStore, err)
	}
	if err != nil {
		if fi, statErr := os.Stat(path); statErr == nil && !fi.IsDir() {
			return nil, fmt.Errorf("%w: %s is no folder", archive.ErrNoStore, path)
		}
		return nil, mapError(err)
	}
	return &Store{root: root, link: root.Link}, nil
}

// Create opens the store as Open does. It makes the folder, and those above it,
// if they are missing.
func Create(path string) (*Store, error) {
	if err := durable.MkdirAll(path); err != nil {
		return nil, mapError(err)
	}
	return Open(path)
}

// Close releases the folder. Readers that Get returned stay usable.
func (s *Store) Close() error { return s.root.Close() }

// Put implements archive.Store. It reads the content once. If an object of that
// name exists, Put compares that one instead.
func (s *Store) Put(ctx context.Context, name string, b archive.Blob) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.put(ctx, name, b); err != nil {
		return fmt.Errorf("could not store %s: %w", name, mapError(err))
	}
	return nil
}

// put makes these calls, in order:
//
//	for each folder of name: mkdir, fsync(parent)
//	open(tmp, O_CREAT|O_EXCL), open(folder), write, fsync, close
//	link(tmp, name), unlink(tmp); or rename(tmp, name) to replace, or without links
//	fsync(folder)
func (s *Store) put(ctx context.Context, name string, b archive.Blob) error {
	if !b.Replace {
		if found, err := s.compare(ctx, name, b); found || err != nil {
			return err
		}
	}
	f, tmp, err := s.createTemp(path.Dir(name))
	if err != nil {
		return err
	}
	// The temporary name always goes: after a rename it is gone already, after a
	// link the file has its other name.
	defer s.root.Remove(tmp)
	return s.change(path.Dir(name), func() error {
		if err := fill(ctx, f, b); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return s.publish(ctx, tmp, name, b)
	})
}

// publish gives the finished file tmp its name.
func (s *Store) publish(ctx context.Context, tmp, name string, b archive.Blob) error {
	if b.Replace {
		err := s.root.Rename(tmp, name)
		if fi, statErr := s.root.Lstat(name); err != nil && statErr == nil && fi.IsDir() {
			return fmt.Errorf("%w: it is a folder", archive.ErrConflict)
		}
		return err
	}
	err := s.link(tmp, name)
	if durable.NoLinks(err) {
		return s.renameNew(ctx, tmp, name, b)
	}
	if errors.Is(err, fs.ErrExist) {
		// Another Put was faster. Whether that is a conflict depends on the
		// content.
		found, err := s.compare(ctx, name, b)
		if err == nil && !found {
			err = errors.New("the object came and went at the same time")
		}
		return err
	}
	return err
}

// renameNew renames tmp to a name that is free. Without links, others can take
// the name in between.
func (s *Store) renameNew(ctx context.Context, tmp, name string, b archive.Blob) error {
	s.renaming.Lock()
	defer s.renaming.Unlock()
	if found, err := s.compare(ctx, name, b); found || err != nil {
		return err
	}
	if err := s.root.Rename(tmp, name); err != nil {
		return err
	}
	s.noLinks.Store(true)
	return nil
}

// Limits implements archive.Store.
func (s *Store) Limits() archive.Limits { return archive.Limits{Unguarded: s.noLinks.Load()} }

// fill writes b to f and syncs it.
func fill(ctx context.Context, f *os.File, b archive.Blob) error {
	src, err := b.OpenChecked()
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, contextReader{ctx, src}); err != nil {
		src.Close() // the error that matters is the one from reading
		return err
	}
	if err := src.Close(); err != nil {
		return err
	}
	return f.Sync()
}

// compare reports whether name exists, with ErrConflict if its content is not
// that of b. If the content is the same, compare makes it durable, as Put
// promises: the process that put it may not have done so yet.
func (s *Store) compare(ctx context.Context, name string, b archive.Blob) (found bool, err error) {
	f, size, err := s.open(name)
	var other *archive.NotObjectError
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &other) {
		return false, nil
	}
	if err != nil {
		return false, inTheWay(err)
	}
	defer f.Close() // only read from
	if size != b.Size {
		return true, fmt.Errorf("%w: %d bytes, not %d", archive.ErrConflict, size, b.Size)
	}
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return false, err
	}
	if [sha256.Size]byte(h.Sum(nil)) != b.SHA256 {
		return true, archive.ErrConflict
	}
	if err := f.Sync(); err != nil {
		return false, err
	}
	return true, s.change(path.Dir(name), func() error { return nil })
}

// createTemp creates a temporary file in dir, and dir itself if needed. The file
// lies in the folder it will be linked into: the folder is then not empty, and a
// Delete at the same time cannot remove it.
func (s *Store) createTemp(dir string) (*os.File, string, error) {
	var err error
	for range 100 {
		err = s.mkdirAll(dir)
		if err == nil {
			tmp := path.Join(dir, durable.TempPrefix+rand.Text())
			var f *os.File
			f, err = s.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err == nil {
				return f, tmp, nil
			}
		}
		if err = inTheWay(err); !errors.Is(err, fs.ErrNotExist) {
			return nil, "", err
		}
		if _, err := s.readDir(context.Background(), "."); err != nil {
			return nil, "", err // the store itself is gone
		}
		// A Delete removed the empty folder in between.
	}
	return nil, "", fmt.Errorf("the folder is being removed again and again: %v", err)
}

// mkdirAll makes dir durably. It syncs folders that it did not make too, since
// the process that made them may not have done so yet.
func (s *Store) mkdirAll(dir string) error {
	if dir == "." {
		return nil
	}
	if err := s.mkdirAll(path.Dir(dir)); err != nil {
		return err
	}
	return s.change(path.Dir(dir), func() error {
		err := s.root.Mkdir(dir, 0o700)
		if errors.Is(err, fs.ErrExist) {
			return s.isFolder(dir)
		}
		return err
	})
}

// change calls durable.Change for a folder below the root.
func (s *Store) change(dir string, change func() error) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return durable.ChangeOpen(d, change)
}

// open opens the file name for reading. It does not block on a pipe.
func (s *Store) open(name string) (*os.File, int64, error) {
	if _, err := s.lstat(name); err != nil {
		return nil, 0, err
	}
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = archive.NotObject(name, fi.Mode())
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, fi.Size(), nil
}

// Delete implements archive.Store. It also removes folders that became empty, so
// that a recording without objects leaves nothing.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.delete(name); err != nil {
		return fmt.Errorf("could not delete %s: %w", name, mapError(err))
	}
	return nil
}

// Purge implements archive.Store: a folder has no versions.
func (s *Store) Purge(ctx context.Context, prefix string) error {
	if !archive.ValidPrefix(prefix) || prefix == "" {
		return fmt.Errorf("prefix %q: %w", prefix, fs.ErrInvalid)
	}
	// Temporary files of killed Puts hold sealed content too, and a link may lead
	// to some.
	if dir, ok := strings.CutSuffix(prefix, "/"); ok {
		if err := s.removeOther(ctx, dir); err != nil {
			return fmt.Errorf("could not purge %s: %w", prefix, mapError(err))
		}
	}
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

func (s *Store) delete(name string) error {
	dir := path.Dir(name)
	_, err := s.lstat(name) // Remove would remove an empty folder too
	if err == nil {
		err = s.change(dir, func() error { return s.root.Remove(name) })
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.removeEmpty(dir)
	return nil
}

// removeEmpty removes dir and the folders above it that are empty, or hold notes
// only.
func (s *Store) removeEmpty(dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil && !(path.Dir(dir) == "." && s.removeNotes(dir)) {
			break // not empty, or removed by another
		}
	}
}

// removeOther removes the temporary files below dir and whatever is no regular
// file, and then the folders that are empty.
func (s *Store) removeOther(ctx context.Context, dir string) error {
	entries, err := s.readDir(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			err = s.removeOther(ctx, name)
		case strings.HasPrefix(e.Name(), durable.TempPrefix), !e.Type().IsRegular():
			err = s.root.Remove(name) // the link itself, never its target
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if s.isFolder(dir) == nil && s.root.Remove(dir) == nil && path.Dir(dir) != "." {
		s.removeEmpty(path.Dir(dir))
	}
	return nil
}

// removeNotes removes the folder of a recording that was made in this store, if
// it holds nothing but empty folders and the notes that an archive.Writer and
// others write beside objects. It reports whether it did.
func (s *Store) removeNotes(dir string) bool {
	entries, err := s.readDir(context.Background(), dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !e.IsDir() && !notes.Is(e.Name()) {
			return false
		}
	}
	for _, folders := range []bool{true, false} { // a folder that is not empty ends it
		for _, e := range entries {
			if e.IsDir() == folders && s.root.Remove(path.Join(dir, e.Name())) != nil {
				return false
			}
		}
	}
	return s.root.Remove(dir) == nil
}
