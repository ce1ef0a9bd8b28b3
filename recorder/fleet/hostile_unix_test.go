//go:build unix

package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gone reports whether a process has ended, or does within a while.
func gone(pid int) bool {
	for range 500 {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // where nobody waits for it, it stays as a zombie
		if syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// A pipe among the policies, which nobody writes to, holds nobody up.
func TestPolicyPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := ReadPolicies(dir, nil)
		read <- err
	}()
	select {
	case err := <-read:
		if err == nil {
			t.Error("a pipe is a policy")
		}
	case <-time.After(time.Minute):
		t.Error("reading the policies waits for the pipe")
	}
}

// What the command of a policy started ends with it.
func TestCommandLeaves(t *testing.T) {
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Args: []string{me}, Env: []string{"FLEET_TEST_PROGRAM=leaves"}, Time: 2 * time.Second}
	err = p.Ask(t.Context(), Question{}, &struct{}{})
	_, said, _ := strings.Cut(fmt.Sprint(err), "it says \"")
	if pid, _ := strconv.Atoi(strings.TrimSuffix(said, "\"")); pid == 0 {
		t.Errorf("%v", err)
	} else if !gone(pid) {
		t.Errorf("what the command started runs on as %d", pid)
	}
}
