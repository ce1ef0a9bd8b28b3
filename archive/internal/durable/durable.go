// Package durable has the few file operations an archive on a local disk is
// made of, each of which returns only once its effect survives a power cut.
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
// On Windows folders cannot be synced, and SyncDir does nothing.
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

// TempPrefix begins the names of the temporary files of this package. A crash
// can leave one behind; it holds nothing that was ever promised to anyone, and
// may be removed when no process writes to the folder.
const TempPrefix = ".tmp-"

// WriteFile replaces path with a file that holds data, mode 0600. Whoever reads
// path sees the old content or the new, whole, also after a crash. The folder
// must exist.
//
//	open(tmp, O_CREAT|O_EXCL), write, fsync, close, rename(tmp, path), fsync(dir)
//
// After an error from the last fsync the new content is visible, and may or may
// not last; calling WriteFile again is safe.
func WriteFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, TempPrefix+"*")
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
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Link publishes the finished file tmp under path, only if nothing has that
// name. The content of tmp must have been synced by the caller, and tmp must be
// on the same file system as path. If path is taken, the error wraps
// fs.ErrExist, and both files are as they were.
//
//	link(tmp, path), unlink(tmp), fsync(dir of path)
//
// rename(2) would overwrite, and a check before it would race; link(2) is the
// one call that every Unix makes fail when the name exists. Where the file system
// has no hard links (NoLinks) it is that check and a rename nonetheless: then the
// caller must be the only one who writes there.
//
// After any other error path may exist, with the whole content; tmp is left to
// the caller if the link failed, and gone otherwise.
func Link(tmp, path string) error { return linkBy(os.Link, tmp, path) }

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
	return SyncDir(filepath.Dir(path))
}

// NoLinks reports whether the error of link(2) is one that file systems without
// hard links answer. Some say EIO, as a bad disk does: then a rename fails, too.
func NoLinks(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EMLINK)
}

// MkdirAll makes the folder path and those above it that are missing, mode 0700.
// It syncs the parent of each, and the parent of path even when path was there:
// whoever made it, in another process, may not have come to that yet.
//
//	for each missing: mkdir(dir), fsync(parent of dir)
//	always: fsync(parent of path), unless path is a root
func MkdirAll(path string) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err := MkdirAll(parent); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if err != nil {
		// Mkdir answers EEXIST for a file as well, and EROFS or EACCES for a
		// folder that is there but could not be made.
		fi, statErr := os.Stat(path)
		if statErr != nil {
			return err
		}
		if !fi.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		// The parents of an existing folder may well be closed to us ("/home"),
		// and then it was not us who made it.
		if err := SyncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		return nil
	}
	return SyncDir(parent)
}

// SyncDir makes the names in the folder path durable: those added, and the
// absence of those removed or renamed.
//
//	open(path, O_RDONLY), fsync, close
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("could not sync the folder: %w", err)
	}
	if err := d.Sync(); err != nil {
		d.Close()
		return fmt.Errorf("could not sync the folder: %w", err)
	}
	return d.Close()
}
