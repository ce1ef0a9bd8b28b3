package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// memory is a file system in memory, and folderPattern what our folders there are called.
const (
	memory        = "/dev/shm"
	folderPattern = "sealtape-engine-"
)

// memoryFile returns a file in memory without a name.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("sound.wav", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return os.NewFile(uintptr(fd), "sound.wav"), nil
}

// newFolder makes a folder in memory. It removes those that killed processes left.
func newFolder() (*folder, error) {
	var on unix.Statfs_t
	if err := unix.Statfs(memory, &on); err != nil || on.Type != unix.TMPFS_MAGIC {
		return nil, fmt.Errorf("%w: %s is none", ErrUnsupported, memory)
	}
	left, err := filepath.Glob(filepath.Join(memory, folderPattern+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		if f, err := hold(path); err == nil {
			if err := (&folder{path, f}).remove(); err != nil {
				return nil, err
			}
		}
	}
	for {
		path, err := os.MkdirTemp(memory, folderPattern)
		if err != nil {
			return nil, err
		}
		held, err := hold(path)
		if err == nil {
			return &folder{path, held}, nil
		}
		// Another process may take it for one that was left behind, in this moment.
		if _, serr := os.Lstat(path); !errors.Is(serr, fs.ErrNotExist) && !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, err
		}
	}
}

// hold locks a folder of our own, for as long as it is open.
func hold(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && int(st.Uid) != os.Getuid() {
		err = os.ErrPermission
	}
	if err == nil {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		_ = f.Close() // the first error says more
		return nil, err
	}
	return f, nil
}
