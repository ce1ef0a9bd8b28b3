package keys

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// checkMode returns a PermissionError if the file has any of the bits in deny. On
// Windows there are no such bits to check.
func checkMode(path string, deny, want fs.FileMode) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && fi.Mode().Perm()&deny != 0 {
		return &PermissionError{Path: path, Mode: fi.Mode().Perm(), Want: want}
	}
	return nil
}

// readBounded reads a file of at most max bytes.
func readBounded(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > max {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, max)
	}
	return b, nil
}
