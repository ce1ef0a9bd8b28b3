//go:build unix

package servers

import (
	"os"
	"syscall"
)

var terminate os.Signal = syscall.SIGTERM
