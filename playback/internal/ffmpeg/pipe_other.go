//go:build !linux

package ffmpeg

import "os"

func widen(*os.File) {}
