//go:build unix

package ffmpeg

import (
	"os/exec"
	"syscall"
)

// separate keeps a terminal's Ctrl-C from the child: it is for us to end it.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
