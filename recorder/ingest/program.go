package ingest

import (
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

// command returns a process that ends with ctx. Its environment has only what is needed
// to find libraries: the variables of this program are not for it.
func command(ctx context.Context, path string, args []string, out io.Writer, said *messages) *exec.Cmd {
	c := exec.CommandContext(ctx, path, args...)
	c.Env = []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v := os.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	c.Stdout, c.Stderr = out, said
	c.WaitDelay = 5 * time.Second
	return c
}

// messages are the first lines that a process said. The zero value is ready for use.
type messages struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const maxMessages = 1 << 10

func (m *messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if room := maxMessages - m.b.Len(); room > 0 {
		m.b.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// String returns them in one line, without the addresses and paths in them.
func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(m.b.String(), "?")) {
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
