//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// TestRestartFollows: where a recorder dies in the middle of a meeting, the one that
// its service manager starts names it, and list and info tell.
func TestRestartFollows(t *testing.T) {
	l := newLab(t)
	store := filepath.Join(l.dir, "store")
	home, _ := l.person("Recorder")
	l.publisher(l.room("weekly"), "ada", "Ada")
	args := []string{"--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s"}
	first := l.record(home, args...)
	l.segments(home, store, first.id, 2)
	if code := first.stop(syscall.SIGKILL); code == 0 {
		t.Fatal("a killed recorder ended well")
	}
	second := l.record(home, args...)
	l.segments(home, store, second.id, 2)
	if code := second.stop(syscall.SIGTERM); code != 0 && code != ui.ExitIncomplete {
		t.Fatalf("exit code %d:\n%s", code, second.stderr())
	}
	for _, cmd := range [][]string{{"info", second.id}, {"info", second.id, "--json"}, {"list"}, {"list", "--json"}} {
		out, errs, _ := l.run(home, nil, append(cmd, "--store", store)...)
		if !strings.Contains(out, first.id) || cmd[0] == "list" && !strings.Contains(strings.ToLower(out), "follows") {
			t.Errorf("%q does not tell what it follows:\n%s%s", cmd, out, errs)
		}
	}
	if out, errs, _ := l.run(home, nil, "info", first.id, "--store", store, "--json"); strings.Contains(out, `"follows"`) {
		t.Errorf("the first follows something:\n%s%s", out, errs)
	}
}
