// Package program starts other programs: a browser, or sealtape itself.
package program

import (
	"os"
	"os/exec"
	"runtime"
)

// Opener returns the command that opens address on an operating system, as GOOS
// names it. Whoever may list processes sees the address.
func Opener(system, address string) *exec.Cmd {
	switch system {
	case "darwin":
		return exec.Command("open", address)
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	}
	return exec.Command("xdg-open", address)
}

// Desktop reports whether there is one to open a browser on.
func Desktop() bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
