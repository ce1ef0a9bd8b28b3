//go:build !linux

package engine

import "os"

func memoryFile() (*os.File, error) { return nil, ErrUnsupported }

func newFolder() (*folder, error) { return nil, ErrUnsupported }
