//go:build !linux

package main

import "errors"

// checkMachine knows Linux only.
func checkMachine(d *diagnosis) {
	d.unknown("machine", "memory", "whether it can get to a disk is not looked at on this system")
}

// freeSpace knows Linux only.
func freeSpace(string) (int64, error) {
	return 0, errors.New("not looked at on this system")
}
