package ingest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// openRegular opens a regular file for reading. It waits for nobody, as opening a FIFO
// would: what lies at a path may be something else by now. The error wraps ErrKind if it is.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := in.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is no file", ErrKind)
	}
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, info, nil
}

// ReadFile returns the bytes of a regular file, at most so many. The error wraps ErrKind if it
// is none.
func ReadFile(path string, most int64) ([]byte, error) {
	in, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, most))
}

// open opens the file for reading. The error wraps ErrChanged if another file is at its
// path now.
func (f *File) open() (*os.File, error) {
	in, info, err := openRegular(f.Path)
	if err != nil {
		return nil, err
	}
	if f.Info != nil && !os.SameFile(f.Info, info) {
		in.Close()
		return nil, fmt.Errorf("%w: another file has its name now", ErrChanged)
	}
	return in, nil
}

// stdin is where programs find the file that they are to read. They get it opened: so they
// read the one that was looked at and hashed, and their arguments tell no names.
const stdin = "file:/dev/stdin"

// input returns the arguments that let a program open the file, and nothing else. in is
// its standard input.
func (f *File) input() (args []string, in *os.File, err error) {
	if in, err = f.open(); err != nil {
		return nil, nil, err
	}
	name := stdin
	if runtime.GOOS == "windows" { // has no such name
		name = "file:" + f.Path
	}
	return []string{"-hide_banner", "-v", "error", "-protocol_whitelist", "file", "-f", string(f.Kind), "-i", name}, in, nil
}
