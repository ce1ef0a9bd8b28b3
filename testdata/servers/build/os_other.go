//go:build !unix

package build

import (
	"context"
	"io/fs"
)

// lock does nothing: two processes may build the same, and the later rename
// wins.
func lock(context.Context, string, func()) (unlock func(), err error) {
	return func() {}, nil
}

func isOwn(fs.FileInfo) bool { return true }
