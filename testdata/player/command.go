package player

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Build builds the sealtape command into a folder and returns its path.
func Build(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "sealtape")
	out, err := exec.CommandContext(ctx, "go", "build", "-ldflags=-w", "-o", path, "github.com/sealtape/sealtape/cmd/sealtape").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building sealtape: %w\n%s", err, out)
	}
	return path, nil
}

// Environment is what a sealtape command needs to play from a store with the keys
// of a home.
func Environment(home, store string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "SEALTAPE_HOME=" + home, "SEALTAPE_STORE=" + store}
}

// A Command is a "sealtape play --no-browser" that runs until Stop.
type Command struct {
	// URL is the address it printed.
	URL   string
	cmd   *exec.Cmd
	ended chan struct{}
	said  lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start starts cmd, and returns when it printed its address.
func Start(cmd *exec.Cmd) (*Command, error) {
	c := &Command{cmd: cmd, ended: make(chan struct{})}
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, &c.said
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // the exit code is in ProcessState
		_ = in.Close()
		close(c.ended)
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		c.Kill()
		return nil, fmt.Errorf("%q printed no address: %w\n%s", cmd.Args, err, c.Said())
	}
	c.URL = strings.TrimSpace(line)
	go func() { _, _ = io.Copy(&c.said, lines) }()
	return c, nil
}

// Said returns what it printed so far besides its address.
func (c *Command) Said() string { return c.said.String() }

// PID is that of the process.
func (c *Command) PID() int { return c.cmd.Process.Pid }

// Stop asks it to end, as Ctrl-C does, and returns its exit code.
func (c *Command) Stop(ctx context.Context) (int, error) {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	select {
	case <-c.ended:
		return c.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		c.Kill()
		return 0, fmt.Errorf("it does not end: %w\n%s", context.Cause(ctx), c.Said())
	}
}

// Kill ends it at once.
func (c *Command) Kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}
