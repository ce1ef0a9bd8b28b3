package servers

import "syscall"

// childAttr ties the child's life to ours, so that a test that panics leaves no
// server behind.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
