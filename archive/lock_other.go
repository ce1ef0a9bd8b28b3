//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package archive

import (
	"errors"
	"fmt"
	"os"
)

// lockFolder fails: without flock nothing tells a live recording from one that
// a crash left. Reading archives needs no lock.
func lockFolder(string) (*os.File, error) {
	return nil, fmt.Errorf("could not lock the recording: %w", errors.ErrUnsupported)
}
