//go:build unix

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestPauseBySignal pauses a recording and lets it go on; the members hear of
// it, and what was said meanwhile is missing on purpose. Then the last of them
// leaves, and so does the recorder.
func TestPauseBySignal(t *testing.T) {
	l := newLab(t)
	store := filepath.Join(l.dir, "store")
	home, _ := l.person("Recorder")
	ada := l.join(members.Config{Room: l.room("weekly"), Identity: "ada", Name: "Ada", Passphrase: labPassphrase, Audio: fixtures.Speech(0)})
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--grace", "1ms", "--metrics-addr", "127.0.0.1:0")
	l.segments(home, store, rec.id, 2)
	toggle := func(says string) {
		t.Helper()
		if err := rec.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if err := ada.Wait(l.ctx, func() bool {
			return slices.ContainsFunc(ada.Messages(), func(m members.Message) bool { return strings.Contains(m.Text, says) })
		}); err != nil {
			t.Fatalf("ada was told %v\n%s", ada.Messages(), rec.stderr())
		}
	}
	toggle("is paused")
	rec.withholds(75, recorder.Paused) // 1.5 s, which would make another recording incomplete
	toggle("goes on")
	l.segments(home, store, rec.id, l.listed(home, store, rec.id)+2)
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	code := rec.accounts(rec.wait(), home, store)
	if !strings.Contains(rec.stderr(), "everybody has left") {
		t.Errorf("it said:\n%s", rec.stderr())
	}
	if out := l.informs(home, rec.id, "--store", store); !strings.Contains(out, media.HolePaused) {
		t.Errorf("info says nothing of a pause:\n%s", out)
	}
	l.exits(code, home, "verify", rec.id, "--store", store, "--deep")
}

// TestGraceHolds: the server closes the room when all have left, and who comes back
// within the grace is in the same recording.
func TestGraceHolds(t *testing.T) {
	l := newLab(t)
	store := filepath.Join(l.dir, "store")
	home, _ := l.person("Recorder")
	come := func() *members.Member {
		t.Helper()
		return l.join(members.Config{Room: l.room("weekly"), Identity: "ada", Name: "Ada", Passphrase: labPassphrase, Audio: fixtures.Speech(0)})
	}
	ada := come()
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--grace", "1h")
	l.segments(home, store, rec.id, 2)
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(rec.stderr(), "the room was joined again") {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-l.ctx.Done():
			t.Fatalf("the room is not joined again:\n%s", rec.stderr())
		}
	}
	come()
	l.informed(home, store, rec.id, "that she came back", func(i *show.InfoJSON) bool {
		came := 0
		for _, e := range i.Timeline {
			if e.Type == media.EventJoin && e.Participant == "ada" {
				came++
			}
		}
		return came == 2
	})
	l.segments(home, store, rec.id, l.listed(home, store, rec.id)+2)
	code := rec.accounts(rec.stop(syscall.SIGTERM), home, store)
	out := l.informs(home, rec.id, "--store", store, "--json")
	if n := strings.Count(out, `"type":"join"`) + strings.Count(out, `"type": "join"`); n != 2 || strings.Contains(out, media.HoleReconnect) {
		t.Errorf("she came %d times in:\n%s", n, out)
	}
	l.exits(code, home, "verify", rec.id, "--store", store, "--deep")
}

// Whoever starts recorders learns from the exit code that one was thrown out, or
// lost its room for good; that the host ended it is as good an end as any.
func TestExplainEnd(t *testing.T) {
	for _, tt := range []struct {
		cause error
		code  int // 0: no error
		says  string
	}{
		{nil, 0, ""},
		{recorder.ErrEnded, 0, ""},
		{livekit.ErrRemoved, 0, ""},
		{livekit.ErrReplaced, ui.ExitFailed, "--identity"},
		{fmt.Errorf("%w: %w", livekit.ErrReplaced, livekit.ErrOccupied), ui.ExitElsewhere, "the other recorder goes on"},
		{fmt.Errorf("%w: %w", recorder.ErrEnded, bot.ErrOtherRecords), ui.ExitElsewhere, "the other recorder goes on"},
		{livekit.ErrMoved, 0, ""},
		{livekit.ErrLost, ui.ExitFailed, "--rejoin"},
		{livekit.ErrHid, ui.ExitIncomplete, "members must see"},
		{livekit.ErrGagged, ui.ExitIncomplete, "members must see"},
		{fmt.Errorf("%w: %w", livekit.ErrLost, livekit.ErrToken), ui.ExitFailed, "--token-command"},
	} {
		err := explainEnd(recorder.Report{Cause: tt.cause})
		if tt.code == 0 {
			if err != nil {
				t.Errorf("%v: %v", tt.cause, err)
			}
			continue
		}
		if code, hints := explained(err); code != tt.code || len(hints) != 1 || !strings.Contains(hints[0], tt.says) || !errors.Is(err, tt.cause) {
			t.Errorf("%v: exit code %d, hints %q, want %d and %s", err, code, hints, tt.code, tt.says)
		}
	}
}

// How long a recorder stays is checked before anything else happens.
func TestLifeFlags(t *testing.T) {
	l := newDesk(t)
	for _, args := range [][]string{{"--grace", "soon"}, {"--grace", "-1s"}, {"--wait", "-1s"}, {"--rejoin", "-1s"}, {"--grace", "off"}} {
		out, errs, code := l.run(l.dir, nil, append([]string{"record", "--room", "r", "--store", "s"}, args...)...)
		if code != ui.ExitUsage || !strings.Contains(errs, args[0]) {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}
