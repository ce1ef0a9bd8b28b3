package playback

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/internal/filelock"
)

// partPattern names files that are written beside their final place.
const partPattern = ".sealtape-*.part"

// SweepParts removes from the folder dir what killed exports left there: files
// and folders in the clear. It returns their paths. It leaves alone what a live
// process writes, and everything if the system has no flock.
func SweepParts(dir string) (removed []string, err error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), partPattern))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, path := range paths {
		if fi, err := os.Lstat(path); err != nil || !fi.IsDir() && !fi.Mode().IsRegular() {
			continue // gone, or not an export's
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			errs = append(errs, err)
			continue
		}
		if filelock.Try(f) == nil {
			if err = os.RemoveAll(path); err == nil {
				removed = append(removed, path)
			}
		}
		errs = append(errs, err, f.Close())
	}
	return removed, errors.Join(errs...)
}

// escapeGlob returns a pattern that matches path alone.
func escapeGlob(path string) string {
	var b []byte
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' || c == '\\' && filepath.Separator != '\\' {
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// holdPart locks the new file or folder path until it is closed, so that
// SweepParts leaves it alone. If a sweep came first, the error wraps
// fs.ErrNotExist.
func holdPart(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = filelock.Try(f)
	if errors.Is(err, errors.ErrUnsupported) {
		return f, nil
	}
	if err == nil {
		var held, there fs.FileInfo
		if held, err = f.Stat(); err == nil {
			there, err = os.Lstat(path)
		}
		if err == nil && !os.SameFile(held, there) {
			err = fs.ErrNotExist
		}
	} else {
		err = fs.ErrNotExist // a sweep is about to remove it
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
