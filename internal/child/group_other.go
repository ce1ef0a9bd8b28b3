//go:build !unix

package child

import "os/exec"

// separate knows Unix only.
func separate(*exec.Cmd) {}
