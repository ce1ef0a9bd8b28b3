//go:build !unix

package ffmpeg

import "os/exec"

func separate(*exec.Cmd) {}
