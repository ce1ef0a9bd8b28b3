//go:build !unix

package servers

import (
	"context"
	"io/fs"
	"os"
	"syscall"
)

// lock does nothing: two processes may build the same, and the later rename
// wins.
func lock(context.Context, string, func()) (unlock func(), err error) {
	return func() {}, nil
}

func isOwn(fs.FileInfo) bool { return true }

var terminate = os.Kill // there is no other

func childAttr() *syscall.SysProcAttr { return nil }
