//go:build !linux

package machine

import "errors"

// Harden does nothing on this system.
func Harden() error { return nil }

// PrivateFiles does nothing on this system.
func PrivateFiles() {}

// Exposed knows Linux only.
func Exposed() (Exposure, error) { return Exposure{}, errors.ErrUnsupported }

// DiskSwaps knows Linux only.
func DiskSwaps() ([]string, error) { return nil, errors.ErrUnsupported }

// FreeSpace knows Linux only.
func FreeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }
