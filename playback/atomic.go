package playback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An atomicFile is written beside its path and takes its name when it is whole.
type atomicFile struct {
	*os.File
	path string
	done bool
}

// createBeside opens a new file in the folder of path, which must not exist.
func createBeside(path string) (*atomicFile, error) {
	if err := absent(path); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sealtape-*.part")
	if err != nil {
		return nil, err
	}
	return &atomicFile{File: f, path: path}, nil
}

func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "export", Path: path, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// commit makes the file durable under its path: fsync of the file, then link,
// which fails where a name is taken, then fsync of the folder.
func (f *atomicFile) commit() error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), f.path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return &fs.PathError{Op: "export", Path: f.path, Err: fs.ErrExist}
		}
		// A file system without links: what is lost is only the refusal of
		// a file that came into being a moment ago.
		if err := absent(f.path); err != nil {
			return err
		}
		if err := os.Rename(f.Name(), f.path); err != nil {
			return err
		}
		f.done = true
	}
	return syncFolder(filepath.Dir(f.path))
}

// discard closes the file and removes the name that it had while it was written.
func (f *atomicFile) discard() error {
	err := f.Close()
	if !f.done {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// An atomicFolder is filled beside its path and takes its name when it is whole.
type atomicFolder struct {
	path, final string
	replace     bool // final is an empty folder
	done        bool
}

// createFolderBeside makes a new folder beside dir, which must not exist unless
// it is an empty folder.
func createFolderBeside(dir string) (*atomicFolder, error) {
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
	path, err := os.MkdirTemp(filepath.Dir(dir), ".sealtape-*.part")
	if err != nil {
		return nil, err
	}
	return &atomicFolder{path: path, final: dir, replace: replace}, nil
}

// commit makes the folder durable under its name. Its files are so already.
func (f *atomicFolder) commit() error {
	if err := syncFolder(f.path); err != nil {
		return err
	}
	// By the separator at its end this removes a folder that is still empty,
	// and nothing else. Rename then refuses whatever has taken its place.
	if f.replace {
		if err := os.Remove(f.final + string(filepath.Separator)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "export", Path: f.final, Err: fs.ErrExist}
		}
	}
	if err := os.Rename(f.path, f.final); err != nil {
		if _, lerr := os.Lstat(f.final); lerr == nil {
			err = fs.ErrExist
		}
		return &fs.PathError{Op: "export", Path: f.final, Err: err}
	}
	f.done = true
	return syncFolder(filepath.Dir(f.final))
}

func (f *atomicFolder) discard() error {
	if f.done {
		return nil
	}
	return os.RemoveAll(f.path)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
