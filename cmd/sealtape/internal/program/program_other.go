//go:build !unix

package program

import "os/exec"

// Detach knows Unix only.
func Detach(*exec.Cmd) {}

func closeOnExec(int) {}
