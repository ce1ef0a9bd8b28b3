//go:build !unix

package main

import "os"

// pauseSignal is a signal that this system does not have.
var pauseSignal os.Signal
