package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// maxStderr is the most bytes stored of a process's messages.
const maxStderr = 2 << 10

// A child is a running ffmpeg.
type child struct {
	cmd    *exec.Cmd
	ctx    context.Context
	stderr tail
}

// start runs the program. Its standard input is in, which start closes, or none.
// extra are descriptors from 3 on, which start closes too. The end of ctx kills
// the program.
func start(ctx context.Context, path string, args []string, in *os.File, out io.Writer, extra ...*os.File) (*child, error) {
	c := &child{ctx: ctx, cmd: exec.CommandContext(ctx, path, args...)}
	// The environment has only what is needed to find libraries and devices: the variables of
	// this program are not for it.
	c.cmd.Env = []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "CUDA_VISIBLE_DEVICES"} {
		if v := os.Getenv(name); v != "" {
			c.cmd.Env = append(c.cmd.Env, name+"="+v)
		}
	}
	if in != nil {
		c.cmd.Stdin = in
	}
	c.cmd.Stdout = out
	c.cmd.Stderr = &c.stderr
	c.cmd.ExtraFiles = extra
	// Pipes that a killed process' own children might hold do not keep us.
	c.cmd.WaitDelay = 5 * time.Second
	separate(c.cmd)
	err := c.cmd.Start()
	for _, f := range append(extra, in) {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("starting ffmpeg: %w", err)
	}
	return c, nil
}

// wait waits for the end. The error has the process's last messages. If the
// context killed it, the error wraps the context's.
func (c *child) wait() error {
	err := c.cmd.Wait()
	switch {
	case err == nil:
		return nil
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	}
	if said := c.stderr.String(); said != "" {
		return fmt.Errorf("ffmpeg: %w: %s", err, said)
	}
	return fmt.Errorf("ffmpeg: %w", err)
}

// A tail stores the end of what is written to it. The zero value is ready for
// use.
type tail struct {
	mu  sync.Mutex
	buf []byte
	cut bool
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	cut := max(0, len(b)-maxStderr)
	t.buf = append(t.buf, b[cut:]...)
	over := max(0, len(t.buf)-maxStderr)
	t.buf = append(t.buf[:0], t.buf[over:]...)
	t.cut = t.cut || cut+over > 0
	return len(b), nil
}

// String is what is kept, in one line of text.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.ToValidUTF8(string(t.buf), "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), "; ")
	if t.cut {
		s = "…" + s
	}
	return s
}
