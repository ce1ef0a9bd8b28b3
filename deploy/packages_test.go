//go:build packages

package deploy

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dist is the folder that was released into, absolute.
func dist(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("SEALTAPE_DIST")
	if folder == "" {
		t.Fatal("SEALTAPE_DIST names no folder that deploy/release made: run make test-packages")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// released returns the one file of the release that a pattern matches.
func released(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dist(t), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

// output runs a program, which must end well, and returns what it printed.
func output(t *testing.T, stdin []byte, name string, args ...string) string {
	t.Helper()
	out, err := try(t, stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

// try runs a program. The error has what it complained of.
func try(t *testing.T, stdin []byte, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &complaint
	out, err := cmd.Output()
	if err != nil {
		err = &failure{err, complaint.String()}
	}
	return string(out), err
}

// A failure is that of a program, with its complaint.
type failure struct {
	err       error
	complaint string
}

func (f *failure) Error() string { return f.err.Error() + "\n" + f.complaint }
func (f *failure) Unwrap() error { return f.err }
