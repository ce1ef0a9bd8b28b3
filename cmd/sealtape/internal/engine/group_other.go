//go:build !unix

package engine

import "os/exec"

// separate knows Unix only.
func separate(*exec.Cmd) {}
