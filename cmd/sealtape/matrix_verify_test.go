//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/sas"
)

// onTerminal returns a command that runs another on a terminal of its own, and what it
// prints there.
func onTerminal(ctx context.Context, cmd *exec.Cmd) (*exec.Cmd, *screen) {
	words := []string{"exec"}
	for i, w := range cmd.Args {
		if i == 0 {
			w = cmd.Path
		}
		words = append(words, "'"+w+"'")
	}
	out := exec.CommandContext(ctx, "script", "-qefc", strings.Join(words, " "), "/dev/null")
	out.Env = append(cmd.Env, "SHELL=/bin/sh")
	s := new(screen)
	out.Stdout = s
	return out, s
}

// A screen has what was printed.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.b.String(), "\r", "")
}

// An operator compares emoji on a terminal with somebody who has another client; either
// side asks. Without a terminal nobody is asked anything.
func TestMatrixVerify(t *testing.T) {
	m := matrixDesk(t)
	home, _ := m.recorder("Recorder")
	other, _ := m.recorder("Ada")
	bot, ada := m.user("bot"), m.user("ada")
	if err := m.account(home, bot).Close(); err != nil {
		t.Fatal(err)
	}
	hers := m.account(other, ada)
	defer hers.Close()

	alone := m.command(home, nil, "matrix", "verify", ada.ID)
	alone.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := alone.CombinedOutput(); err == nil || !strings.Contains(string(out), "somebody must compare the emoji") || !strings.Contains(string(out), "hint: run the command on a terminal") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
	for _, yes := range []bool{false, true} {
		saw, end := make(chan sas.Shown, 1), make(chan error, 1)
		waits := make(chan struct{})
		go func() {
			_, err := hers.Verify(m.ctx, matrix.Verifying{User: bot.ID, Wait: true,
				Compare: func(_ context.Context, s sas.Shown) (bool, error) { saw <- s; return true, nil },
				Tell: func(s matrix.VerifyStep) {
					if s == matrix.VerifyWaits {
						close(waits)
					}
				}})
			end <- err
		}()
		<-waits
		cmd, screen := onTerminal(m.ctx, m.command(home, []string{"LANG=C.UTF-8", "TERM=xterm"}, "matrix", "verify", ada.ID))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var s sas.Shown
		select {
		case s = <-saw:
		case err := <-end:
			t.Fatalf("her side: %v\n%s", err, screen)
		}
		m.until("she is asked to compare", func() bool { return strings.Contains(screen.String(), "in this order? [y/N]") })
		for _, line := range sasLines(s, true) {
			if !strings.Contains(screen.String(), line+"\n") {
				t.Errorf("%q is not in\n%s", line, screen)
			}
		}
		answer := "n\n"
		if yes {
			answer = "yes\n"
		}
		if _, err := io.WriteString(in, answer); err != nil {
			t.Fatal(err)
		}
		err = <-ended
		theirs := <-end
		if yes && (err != nil || theirs != nil || !strings.Contains(screen.String(), "verified "+ada.ID+"\nmaster key: ed25519:")) {
			t.Errorf("yes: %v, %v\n%s", err, theirs, screen)
		}
		if !yes && (err == nil || theirs == nil || !strings.Contains(screen.String(), "the emoji are not the same on both sides")) {
			t.Errorf("no: %v, %v\n%s", err, theirs, screen)
		}
		if got := m.must(home, "matrix", "show"); strings.Contains(got, ada.ID) != yes {
			t.Errorf("it is shown:\n%s", got)
		}
	}
}

// What cannot show emoji shows their names.
func TestShowsEmoji(t *testing.T) {
	for _, c := range []struct {
		vars map[string]string
		want bool
	}{
		{map[string]string{"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, true},
		{map[string]string{"LANG": "C.utf8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}, false},
		{map[string]string{"LANG": "en_US.UTF-8", "TERM": "linux"}, false},
		{nil, false},
	} {
		if got := showsEmoji(func(name string) string { return c.vars[name] }); got != c.want {
			t.Errorf("%v: %t", c.vars, got)
		}
	}
	s := sas.Shown{Emoji: []sas.Emoji{{Symbol: "🐶", Name: "Dog"}}, Decimal: [3]int{1000, 2000, 3000}}
	if got := strings.Join(sasLines(s, false), "|"); got != "  1. Dog|  as numbers: 1000 2000 3000" {
		t.Errorf("%q", got)
	}
}
