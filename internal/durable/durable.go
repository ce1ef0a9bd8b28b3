// Package durable has the few file operations that whoever must not lose a file
// needs. Each returns only once its effect survives a power cut.
//
// A file written and closed may be lost, empty or half there after a crash: its
// bytes wait in the page cache until fsync(2), and its name waits in the folder
// until the folder itself is synced. So each function here lists the system
// calls it makes, in order, and the order is the point.
//
// An fsync that failed is never tried again on the same file: the kernel may
// have dropped the dirty pages and then reports success for data that is gone
// (the PostgreSQL "fsyncgate" of 2018). The caller starts over with a new file.
//
// On Windows folders cannot be synced, and are not.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// TempPrefix begins the names of the temporary files of this package. A crash can
// leave one behind. Nobody was promised its content, and it may be removed when
// no process writes to the folder.
const TempPrefix = ".tmp-"

// WriteFile replaces path with a file that holds data, mode 0600. Whoever reads
// path sees the old content or the new, whole, also after a crash. The folder
// must exist.
//
//	open(dir), open(tmp, O_CREAT|O_EXCL), write, fsync, close, rename(tmp, path), fsync(dir)
//
// After an error from the last fsync the new content is visible, and may or may
// not last; calling WriteFile again is safe.
func WriteFile(path string, data []byte) error {
	return write(path, data, os.Rename)
}

// WriteNew makes the file path, which holds data, mode 0600, whole or not at all. The
// error wraps fs.ErrExist if something has that name; it is left as it is. The folder must
// exist.
//
//	open(dir), open(tmp, O_CREAT|O_EXCL), write, fsync, close, link(tmp, path), unlink(tmp), fsync(dir)
//
// After any other error path may exist, with the whole content.
func WriteNew(path string, data []byte) error {
	return write(path, data, func(tmp, path string) error { return linkBy(os.Link, tmp, path) })
}

func write(path string, data []byte, name func(tmp, path string) error) error {
	return Change(filepath.Dir(path), func() (err error) {
		f, err := os.CreateTemp(filepath.Dir(path), TempPrefix+"*")
		if err != nil {
			return fmt.Errorf("could not create a temporary file: %w", err)
		}
		defer func() {
			if err != nil {
				f.Close() // ignored if it is closed already
				os.Remove(f.Name())
			}
		}()
		if _, err := f.Write(data); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		return name(f.Name(), path)
	})
}

// Link publishes the finished file tmp under path, only if nothing has that name.
// The caller must have synced the content of tmp, and tmp must be in the same
// folder. If path is taken, the error wraps fs.ErrExist, and both files stay as
// they were.
//
//	open(dir), link(tmp, path), unlink(tmp), fsync(dir)
//
// rename(2) would overwrite, and a check before it would race; link(2) is the one
// call that fails on every Unix if the name exists. On a file system without hard
// links (NoLinks) Link uses such a check and a rename; then the caller must be
// the only one who writes there.
//
// After any other error path may exist, with the whole content. tmp still exists
// if the link failed, and is gone otherwise.
func Link(tmp, path string) error {
	return Change(filepath.Dir(path), func() error { return linkBy(os.Link, tmp, path) })
}

// linkBy does what Link does, except the sync.
func linkBy(link func(old, new string) error, tmp, path string) error {
	err := link(tmp, path)
	if NoLinks(err) {
		if _, statErr := os.Lstat(path); statErr == nil {
			return &fs.PathError{Op: "link", Path: path, Err: fs.ErrExist}
		}
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return err
	}
	// The name is taken from here on. A tmp that cannot be removed is litter, not
	// a failure: the file under path is complete.
	os.Remove(tmp)
	return nil
}

// NoLinks reports whether err is an answer to link(2) from a file system without
// hard links. Some answer EIO, as a bad disk does; on a bad disk a rename then
// fails too.
func NoLinks(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EMLINK)
}

// MkdirAll makes the folder path and those above it that are missing, mode 0700.
// It syncs the parent of each. It syncs the parent of path even if path exists:
// the process that made it may not have done so yet.
//
//	for each missing: open(parent), mkdir(dir), fsync(parent)
//	always: fsync(parent of path), unless path is a root
func MkdirAll(path string) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	made := true
	err := Change(parent, func() error {
		err := os.Mkdir(path, 0o700)
		if err == nil {
			return nil
		}
		// Mkdir answers EEXIST for a file as well, and EROFS or EACCES for a
		// folder that is there but could not be made.
		made = false
		fi, statErr := os.Stat(path)
		if statErr != nil {
			return err
		}
		if !fi.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	})
	// The parents of an existing folder may well be closed to us ("/home"),
	// and then it was not us who made it.
	if errors.Is(err, fs.ErrPermission) {
		if fi, statErr := os.Stat(path); statErr == nil && fi.IsDir() && !made {
			return nil
		}
	}
	return err
}

// Change calls change, which adds, renames or removes names in the folder dir, and
// makes that durable. If change fails, its error is returned, and nothing synced.
//
//	open(dir, O_RDONLY), change, fsync, close
func Change(dir string, change func() error) error {
	d, err := openDir(dir)
	if err != nil {
		return err
	}
	return ChangeOpen(d, change)
}

// ChangeOpen does what Change does for a folder that the caller has opened. It
// closes the folder.
func ChangeOpen(d *os.File, change func() error) (err error) {
	if err = change(); err == nil && runtime.GOOS != "windows" {
		if err = d.Sync(); err != nil {
			err = fmt.Errorf("could not sync the folder: %w", err)
		}
	}
	return errors.Join(err, d.Close())
}

func openDir(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("could not open the folder: %w", err)
	}
	return d, nil
}

// Remove removes path if it exists. The removal is not durable.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
