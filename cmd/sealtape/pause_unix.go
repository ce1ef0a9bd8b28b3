//go:build unix

package main

import (
	"os"
	"syscall"
)

// pauseSignal pauses a recording, or continues it.
var pauseSignal os.Signal = syscall.SIGUSR1
