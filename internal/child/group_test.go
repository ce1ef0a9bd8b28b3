//go:build unix

package child

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"testing"
)

// TestCommandEndsAll: what a program started ends with it, and with the context.
func TestCommandEndsAll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := Command(ctx, []string{"PATH"}, "/bin/sh", "-c", "sleep 3600 & echo began; wait")
	c.Stdout = write // which sleep has, too
	if err := errors.Join(c.Start(), write.Close()); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(read)
	if line, err := out.ReadString('\n'); line != "began\n" {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil { // ends once nobody has it
		t.Errorf("%q, %v", rest, err)
	}
	if err := c.Wait(); err == nil {
		t.Error("it ended well")
	}
	if err := read.Close(); err != nil {
		t.Error(err)
	}
}
