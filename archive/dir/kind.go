package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"github.com/sealtape/sealtape/archive"
)

// lstat describes the file name. Neither the file nor a folder above it may be a
// link, so that listing, reading and removing mean the same file.
func (s *Store) lstat(name string) (fs.FileInfo, error) {
	if err := s.isFolder(path.Dir(name)); err != nil {
		return nil, err
	}
	fi, err := s.root.Lstat(name)
	if err == nil && !fi.Mode().IsRegular() {
		err = archive.NotObject(name, fi.Mode())
	}
	return fi, err
}

// isFolder returns an error unless dir and all elements above it are folders.
func (s *Store) isFolder(dir string) error {
	if dir == "." {
		return nil
	}
	if err := s.isFolder(path.Dir(dir)); err != nil {
		return err
	}
	fi, err := s.root.Lstat(dir)
	if err == nil && !fi.IsDir() {
		err = archive.NotObject(dir, fi.Mode())
	}
	return err
}

// inTheWay turns a NotObjectError into the error of Put for a name that is taken.
func inTheWay(err error) error {
	var other *archive.NotObjectError
	if errors.As(err, &other) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %v", archive.ErrConflict, err)
	}
	return err
}
