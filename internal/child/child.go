// Package child starts other people's programs: ffmpeg, or a reader's own. They get none
// of this process's secrets, and do not outlive it.
package child

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// endTime is how long pipes are waited for that a killed process's own children hold.
const endTime = 5 * time.Second

// Command returns a program to be started. The end of ctx kills it and all that it
// started; a terminal's Ctrl-C does not reach it. Its environment has what is needed to
// find libraries, and of this process's variables those with the names in keep, if they
// are set.
func Command(ctx context.Context, keep []string, path string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, path, args...)
	c.Env = []string{} // nil would be all
	for _, name := range append([]string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}, keep...) {
		if v := os.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	c.WaitDelay = endTime
	separate(c)
	return c
}

// maxSaid is the most bytes that are kept of what a program says.
const maxSaid = 2 << 10

// Said keeps the end of what is written to it: a program's complaints. The zero value is
// ready for use, and safe for concurrent use.
type Said struct {
	mu  sync.Mutex
	buf []byte
	cut bool
}

// Write never fails.
func (s *Said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := max(0, len(b)-maxSaid)
	s.buf = append(s.buf, b[cut:]...)
	over := max(0, len(s.buf)-maxSaid)
	s.buf = append(s.buf[:0], s.buf[over:]...)
	s.cut = s.cut || cut+over > 0
	return len(b), nil
}

// Lines returns the lines that are kept, without control characters. The first one may
// be the end of a line.
func (s *Said) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.FieldsFunc(strings.ToValidUTF8(string(s.buf), "?"), func(r rune) bool { return r < ' ' || r == 0x7f })
}

// String returns them as one line of text, which begins with … if there were more.
func (s *Said) String() string {
	text := strings.Join(s.Lines(), "; ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return "…" + text
	}
	return text
}
