package playback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An atomicFile gets its name when it is whole.
type atomicFile struct {
	*os.File
	path string
	part string   // its name until then; "" if it has none
	held *os.File // locked, so that SweepParts leaves part alone
	done bool
}

// createBeside opens a new file in the folder of path, which must not exist. The
// file has no name, if the system can do that and named is false.
func createBeside(path string, named bool) (*atomicFile, error) {
	if err := absent(path); err != nil {
		return nil, err
	}
	if !named {
		f, err := createUnnamed(filepath.Dir(path))
		if !errors.Is(err, errors.ErrUnsupported) {
			return &atomicFile{File: f, path: path}, err
		}
	}
	for {
		f, err := os.CreateTemp(filepath.Dir(path), partPattern)
		if err != nil {
			return nil, err
		}
		held, err := holdPart(f.Name())
		if err == nil {
			return &atomicFile{File: f, path: path, part: f.Name(), held: held}, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, os.Remove(f.Name()))
		}
	}
}

func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "export", Path: path, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// commit makes the file durable under its path: fsync of the file, link (which
// fails if the name is taken), fsync of the folder.
func (f *atomicFile) commit() error {
	if err := f.Sync(); err != nil {
		return err
	}
	err := f.link()
	if errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "export", Path: f.path, Err: fs.ErrExist}
	}
	if err != nil && f.part != "" {
		// A file system without links: a file that appeared a moment ago may be
		// overwritten here.
		if err = absent(f.path); err == nil {
			err = os.Rename(f.part, f.path)
			f.done = err == nil
		}
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.path))
}

func (f *atomicFile) link() error {
	if f.part == "" {
		return linkUnnamed(f.File, f.path)
	}
	return os.Link(f.part, f.path)
}

// discard closes the file and removes its temporary name.
func (f *atomicFile) discard() error {
	err := f.Close()
	if f.part == "" {
		return err
	}
	if !f.done {
		err = errors.Join(err, os.Remove(f.part))
	}
	return errors.Join(err, f.held.Close())
}

// A Folder is filled beside its final place and gets its name when it is whole.
// It belongs to one goroutine.
type Folder struct {
	part, final string
	held        *os.File // locked, so that SweepParts leaves part alone
	replace     bool     // final is an empty folder
	done        bool
}

// CreateFolder makes a new folder, mode 0700, beside dir. If dir exists and is
// not an empty folder, the error wraps fs.ErrExist. The caller fills the folder
// and calls Commit, and Discard in any case.
func CreateFolder(dir string) (*Folder, error) {
	dir = filepath.Clean(dir)
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return nil, &fs.PathError{Op: "export", Path: dir, Err: fs.ErrExist}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		if aerr := absent(dir); aerr != nil {
			return nil, aerr // a file is there
		}
		return nil, err
	}
	if filepath.Base(dir) == "." || filepath.Base(dir) == ".." {
		return nil, fmt.Errorf("export to %s: name a new folder", dir)
	}
	replace := err == nil
	for {
		part, err := os.MkdirTemp(filepath.Dir(dir), partPattern)
		if err != nil {
			return nil, err
		}
		held, err := holdPart(part)
		if err == nil {
			return &Folder{part: part, final: dir, held: held, replace: replace}, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, os.Remove(part))
		}
	}
}

// Path returns where the folder is until Commit.
func (f *Folder) Path() string { return f.part }

// Commit makes the folder durable under its name. Its files must be durable
// already.
func (f *Folder) Commit() error {
	if err := syncFolder(f.part); err != nil {
		return err
	}
	// The separator at the end makes Remove remove an empty folder and nothing
	// else. Rename then refuses whatever has taken its place.
	if f.replace {
		if err := os.Remove(f.final + string(filepath.Separator)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "export", Path: f.final, Err: fs.ErrExist}
		}
	}
	if err := os.Rename(f.part, f.final); err != nil {
		if _, lerr := os.Lstat(f.final); lerr == nil {
			err = fs.ErrExist
		}
		return &fs.PathError{Op: "export", Path: f.final, Err: err}
	}
	f.done = true
	return syncFolder(filepath.Dir(f.final))
}

// Discard removes the folder, unless it was committed.
func (f *Folder) Discard() error {
	var err error
	if !f.done {
		err = os.RemoveAll(f.part)
	}
	return errors.Join(err, f.held.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
