package playback

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createUnnamed opens a new file in dir that has no name yet, so that nothing of
// it is left however the process ends. The error wraps errors.ErrUnsupported if
// linkUnnamed could not name it, which depends on the file system, and on whether
// the process may see its own open files.
func createUnnamed(dir string) (*os.File, error) {
	probe, err := openUnnamed(dir)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, ".sealtape-"+rand.Text()+".part")
	err = linkUnnamed(probe, name)
	if err == nil {
		err = os.Remove(name)
	} else {
		err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if err := errors.Join(err, probe.Close()); err != nil {
		return nil, err
	}
	return openUnnamed(dir)
}

func openUnnamed(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		err = errors.ErrUnsupported // the file system, or the system, lacks it
	}
	if err != nil {
		return nil, &os.PathError{Op: "create in", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), filepath.Join(dir, "unnamed")), nil
}

// linkUnnamed gives f the name path, unless it is taken.
func linkUnnamed(f *os.File, path string) error {
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}
