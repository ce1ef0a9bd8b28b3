//go:build unix

package ui

import (
	"io"
	"os"
	"syscall"
	"testing"
)

// A command that knows how to end sooner does so at a second signal, once.
func TestHurried(t *testing.T) {
	e := &Env{Stderr: io.Discard}
	if e.hurry.begin() {
		t.Error("a command hurries that does not know how")
	}
	ctx, stop := e.UntilSignal()
	defer stop()
	hurried := e.Hurried("ends it now")
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	select {
	case <-hurried:
		t.Fatal("it hurries at the first signal")
	default:
	}
	if what := e.hurry.does(); what != "ends it now" {
		t.Errorf("a second signal %q", what)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-hurried
	if e.hurry.begin() || e.hurry.does() != "" {
		t.Error("a third signal hurries, too")
	}
}
