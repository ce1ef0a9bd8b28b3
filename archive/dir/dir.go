// Package dir keeps an archive's objects as files below one folder: object
// "ID/segments/000000.age" is the file of that path. It is the recorder's spool,
// and the store of whoever says --store ./folder.
//
// All access goes through an os.Root, so that neither a name nor a symbolic link
// planted in the folder leads out of it; within it none is followed either. Only
// regular files are objects: the error for anything else in the place of one is an
// archive.NotObjectError. Files have mode 0600, folders 0700.
//
// An object appears under its name whole, synced to the disk and checked, or not
// at all: it is written to a file ".tmp-…" beside it, which List never shows, and
// then linked to its name (or renamed to it, for a Blob with Replace). FAT and
// some network shares have no hard links: there Put looks whether the name is
// free and then renames, and Limits says that the store is Unguarded. A process
// killed in the middle of a Put can leave a ".tmp-…" file. It may be removed when
// nothing writes to the folder.
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
	"github.com/sealtape/sealtape/archive/internal/durable"
	"github.com/sealtape/sealtape/archive/internal/notes"
)

// A Store is an archive.Store over a folder.
type Store struct {
	root *os.Root
	link func(old, new string) error // of root, but for tests

	noLinks  atomic.Bool // the file system has no hard links
	renaming sync.Mutex  // held from looking for a name to renaming to it
}

var _ archive.Store = (*Store)(nil)

// Open returns the store in the folder path, which must exist: the error wraps
// archive.ErrNoStore if it does not, or is no folder. A mistyped path thus never
// looks like an empty archive.
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

// Create is Open, but makes the folder, and those above it, if missing.
func Create(path string) (*Store, error) {
	if err := durable.MkdirAll(path); err != nil {
		return nil, mapError(err)
	}
	return Open(path)
}

// Close releases the folder. Readers that Get returned stay usable.
func (s *Store) Close() error { return s.root.Close() }

// Put implements archive.Store. The content is read once, unless an object of
// that name exists, which is then compared instead.
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
	// Whatever happens the temporary name goes: after a rename it is gone, after
	// a link the file keeps its other name.
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
		// Someone was faster. Whether that is a conflict depends on the content.
		found, err := s.compare(ctx, name, b)
		if err == nil && !found {
			err = errors.New("the object came and went at the same time")
		}
		return err
	}
	return err
}

// renameNew renames tmp to a name that is not taken, or as good as.
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
// that of b. If it is the same, compare makes it durable, as Put promises: the
// one who put it may not have come to that yet.
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

// createTemp creates a temporary file in dir, and dir itself where needed. It
// lies in the folder it will be linked into, so that the folder, no longer
// empty, cannot be removed by a Delete at the same time.
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

// mkdirAll makes dir durably. It syncs also what it did not make, since whoever
// did may be about to.
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

// change is durable.Change below the root.
func (s *Store) change(dir string, change func() error) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return durable.ChangeOpen(d, change)
}

// open opens the file name for reading, and never waits as one does for the
// other end of a pipe.
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
		err = notObject(name, fi.Mode())
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, fi.Size(), nil
}

// Delete implements archive.Store. It also removes the folders that became
// empty, so that a recording of which nothing is left is no longer there.
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
	// What killed Puts left holds sealed content, too, and a link may lead to some.
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
	_, err := s.lstat(name) // Remove would take an empty folder, too
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

// removeEmpty removes dir and those above it that are empty, or nearly.
func (s *Store) removeEmpty(dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil && !(path.Dir(dir) == "." && s.removeNotes(dir)) {
			break // not empty, or removed by another
		}
	}
}

// removeOther removes the temporary files below dir and what is no file, and then
// the folders that are empty.
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
			err = s.root.Remove(name) // a link itself, and never what it leads to
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

// removeNotes removes the folder of a recording that was made right here, if
// nothing is left in it but empty folders and the notes that an archive.Writer and
// others keep beside objects. It reports whether it did.
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
	for _, folders := range []bool{true, false} { // one that is not empty ends it
		for _, e := range entries {
			if e.IsDir() == folders && s.root.Remove(path.Join(dir, e.Name())) != nil {
				return false
			}
		}
	}
	return s.root.Remove(dir) == nil
}
