//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package playback

import (
	"errors"
	"os"
)

func lockPart(*os.File) error { return errors.ErrUnsupported }
