//go:build unix

package child

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// separate makes the program and what it starts a group of their own, which ends as one.
func separate(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error {
		err := syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
