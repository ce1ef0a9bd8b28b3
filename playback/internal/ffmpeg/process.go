package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/sealtape/sealtape/internal/child"
)

// A process is a running ffmpeg.
type process struct {
	cmd    *exec.Cmd
	ctx    context.Context
	stderr child.Said
}

// start runs the program. Its standard input is in, which start closes, or none.
// extra are descriptors from 3 on, which start closes too. The end of ctx kills
// the program.
func start(ctx context.Context, path string, args []string, in *os.File, out io.Writer, extra ...*os.File) (*process, error) {
	// What it needs to find devices.
	devices := []string{"LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH", "CUDA_VISIBLE_DEVICES"}
	c := &process{ctx: ctx, cmd: child.Command(ctx, devices, path, args...)}
	c.cmd.Env = append(c.cmd.Env, "LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1")
	if in != nil {
		c.cmd.Stdin = in
	}
	c.cmd.Stdout = out
	c.cmd.Stderr = &c.stderr
	c.cmd.ExtraFiles = extra
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
func (c *process) wait() error {
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
