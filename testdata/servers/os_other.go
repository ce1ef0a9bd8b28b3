//go:build !unix

package servers

import (
	"os"
	"syscall"
)

var terminate = os.Kill // there is no other

func childAttr() *syscall.SysProcAttr { return nil }
