package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sealtape/sealtape/internal/child"
)

// ErrMissing: PATH lacks ffmpeg or ffprobe.
var ErrMissing = errors.New("ffmpeg was not found")

// A Program is the machine's ffmpeg, and the ffprobe beside it.
type Program struct{ ffmpeg, ffprobe string }

// Find looks for ffmpeg and ffprobe in PATH. The error wraps ErrMissing.
func Find() (*Program, error) {
	p := new(Program)
	for name, to := range map[string]*string{"ffmpeg": &p.ffmpeg, "ffprobe": &p.ffprobe} {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
		*to = path
	}
	return p, nil
}

// input returns the arguments that let a program open one file, and nothing else.
func input(path string, kind Kind) ([]string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return []string{"-hide_banner", "-v", "error", "-protocol_whitelist", "file", "-f", string(kind), "-i", "file:" + abs}, nil
}

// command returns a process that ends with ctx.
func command(ctx context.Context, path string, args []string, out io.Writer, said *child.Said) *exec.Cmd {
	c := child.Command(ctx, nil, path, args...)
	c.Env = append(c.Env, "LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1")
	c.Stdout, c.Stderr = out, said
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
		if line != "" && !strings.HasPrefix(line, "file:") && len(lines) < 4 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
