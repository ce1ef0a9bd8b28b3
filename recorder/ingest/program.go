package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/child"
)

// ErrMissing: PATH lacks ffmpeg or ffprobe.
var ErrMissing = errors.New("ffmpeg was not found")

// A Program is the machine's ffmpeg, and the ffprobe beside it.
type Program struct {
	ffmpeg, ffprobe string
	hears           time.Duration // longestHeard, but in tests
}

// Find looks for ffmpeg and ffprobe in PATH. The error wraps ErrMissing.
func Find() (*Program, error) {
	p := &Program{hears: longestHeard}
	for name, to := range map[string]*string{"ffmpeg": &p.ffmpeg, "ffprobe": &p.ffprobe} {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
		*to = path
	}
	return p, nil
}

// command returns a process that ends with ctx.
// in is what it reads.
func command(ctx context.Context, path string, args []string, in *os.File, out io.Writer, said *child.Said) *exec.Cmd {
	c := child.Command(ctx, nil, path, args...)
	c.Env = append(c.Env, "LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1")
	c.Stdin, c.Stdout, c.Stderr = in, out, said
	return c
}

// complaint returns the first lines that a process said, in one, without the addresses
// and paths in them.
func complaint(said *child.Said) string {
	var lines []string
	for _, line := range said.Lines() {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(line, "[") {
			line = after
		}
		line = strings.TrimPrefix(line, stdin+": ") // an error of the file as such
		if line != "" && len(lines) < 4 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
