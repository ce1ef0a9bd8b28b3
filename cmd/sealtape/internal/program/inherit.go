package program

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// descriptor returns the number of a file that a parent process left open for us, by a
// path such as /dev/fd/3.
func descriptor(path string) (fd int, ok bool) {
	n, found := strings.CutPrefix(path, "/dev/fd/")
	fd, err := strconv.Atoi(n)
	return fd, found && err == nil && fd > 2 && fd < 1024
}

// Keep keeps from the programs that we start what a parent process left open for us, by
// its paths such as /dev/fd/3. Other paths are none of its business.
func Keep(paths ...string) {
	for _, p := range paths {
		if fd, ok := descriptor(p); ok {
			closeOnExec(fd)
		}
	}
}

// Inherited returns a file that a parent process left open for us, by its path.
func Inherited(path string) (*os.File, error) {
	fd, ok := descriptor(path)
	if !ok {
		return nil, errors.New("not a file that was left open, such as /dev/fd/3")
	}
	closeOnExec(fd)
	f := os.NewFile(uintptr(fd), path)
	if f == nil {
		return nil, os.ErrInvalid
	}
	if _, err := f.Stat(); err != nil {
		return nil, err
	}
	return f, nil
}
