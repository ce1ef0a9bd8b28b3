//go:build unix

package main

import (
	"os"
	"syscall"
)

// pauseSignal pauses a recording, or lets it go on.
var pauseSignal os.Signal = syscall.SIGUSR1
