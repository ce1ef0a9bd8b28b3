//go:build unix

package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
)

// gone reports whether a process has ended, or does while the test may last.
func gone(t *testing.T, pid int) bool {
	for ctx := sample.Context(t); ctx.Err() == nil; {
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
	case <-sample.Context(t).Done():
		t.Error("reading the policies waits for the pipe")
	}
}

// What the command of a policy started ends with it.
func TestCommandLeaves(t *testing.T) {
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "left")
	p := Program{Args: []string{me}, Env: []string{"FLEET_TEST_PROGRAM=leaves", "FLEET_TEST_LEFT=" + left}, Time: time.Hour}
	ctx, cancel := context.WithCancel(sample.Context(t))
	go func() {
		defer cancel()
		for _, err := os.Stat(left); err != nil && ctx.Err() == nil; _, err = os.Stat(left) {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	err = p.Ask(ctx, Question{}, &struct{}{})
	_, said, _ := strings.Cut(fmt.Sprint(err), "it says \"")
	if pid, _ := strconv.Atoi(strings.TrimSuffix(said, "\"")); pid == 0 {
		t.Errorf("%v", err)
	} else if !gone(t, pid) {
		t.Errorf("what the command started runs on as %d", pid)
	}
}
