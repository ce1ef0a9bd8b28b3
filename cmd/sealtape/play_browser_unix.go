//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the signals of the terminal from a program to be started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
