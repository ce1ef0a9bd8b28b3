//go:build unix

package engine

import (
	"os/exec"
	"syscall"
)

// separate makes the program and what it starts a group of their own: a terminal's
// Ctrl-C is for us, and we end all of them.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
