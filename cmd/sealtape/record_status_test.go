package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// A terminal that panics at what it cannot show.
type faultyTerminal struct{ bytes.Buffer }

func (f *faultyTerminal) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("eve")) {
		panic("a fault")
	}
	return f.Buffer.Write(b)
}

// A name that cannot be shown is told of once, and the line goes on with others.
func TestStatusLineOutlivesFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen faultyTerminal
		var log bytes.Buffer
		r := &recordConsole{stage: bot.Telling, line: terminal.NewLine(&screen), log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		shown := 0
		status := func() bot.Status {
			s := bot.Status{Status: recorder.Status{Started: time.Now(), State: recorder.StateRecording, Unopened: []recorder.Unopened{{Name: "eve"}}}}
			if shown++; shown%4 == 0 {
				s.Unopened[0].Name = "bob"
			}
			return s
		}
		done := make(chan struct{})
		go func() { defer close(done); r.watch(ctx, status) }()
		time.Sleep(8*statusEvery + time.Millisecond)
		cancel()
		<-done
		if n := strings.Count(screen.String(), "bob"); n != 2 {
			t.Errorf("bob is shown %d times, want 2, of %d", n, shown)
		}
		if n := strings.Count(log.String(), "could not be shown"); n != 1 {
			t.Errorf("told %d times:\n%s", n, &log)
		}
	})
}
