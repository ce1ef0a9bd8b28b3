//go:build !linux

package main

// harden knows Linux only.
func harden() error { return nil }

// privateFiles knows Linux only.
func privateFiles() {}

// swapDevices knows Linux only.
func swapDevices() ([]string, error) { return nil, nil }
