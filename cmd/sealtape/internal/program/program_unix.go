//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// Detach keeps the signals of the terminal from a program to be started.
func Detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
