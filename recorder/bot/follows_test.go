package bot

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// A recording goes on with the meeting of the last one of the same room, unless that
// goes on itself, ended long ago, or its meeting was over. The home does not tell a
// thief which room that was.
func TestPredecessor(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := h.Init("Recorder", nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := keys.Generate("Other")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	weekly := meeting{"wss://meet.example.org", "weekly"}
	for _, tt := range []struct {
		name   string
		m      meeting
		by     *keys.Identity
		ago    time.Duration
		do     func(t *testing.T, recording string)
		follow bool
	}{
		{name: "just ended", m: weekly, ago: 10 * time.Second, follow: true},
		{name: "long ago", m: weekly, ago: 5 * time.Minute},
		{name: "days ago", m: weekly, ago: 50 * time.Hour},
		{name: "another room", m: meeting{weekly.Server, "daily"}, ago: 10 * time.Second},
		{name: "another server", m: meeting{"wss://elsewhere.example.org", "weekly"}, ago: 10 * time.Second},
		{name: "of another key", m: weekly, by: stranger, ago: 10 * time.Second},
		{name: "over", m: weekly, ago: 10 * time.Second, do: func(t *testing.T, recording string) {
			if err := errors.Join(meetingOver(h, recording), meetingOver(h, recording)); err != nil {
				t.Error(err)
			}
		}},
		{name: "torn", m: weekly, do: func(t *testing.T, recording string) {
			if err := os.Truncate(meetingNote(h, recording), 100); err != nil {
				t.Error(err)
			}
		}},
		{name: "it goes on", m: weekly, do: func(t *testing.T, recording string) {
			held, err := archive.HoldSpooled(h.SpoolDir(), recording)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := held.Close(); err != nil {
					t.Error(err)
				}
			})
		}},
		{name: "of its process there is nothing left but the spool", m: weekly, ago: time.Minute, follow: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := archive.Create(h.SpoolDir(), archive.Config{Signer: id.Signer()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.StartEpoch(append([]age.Recipient(nil), id.Recipients()...)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			by := tt.by
			if by == nil {
				by = id
			}
			if err := noteMeeting(h, by, w.ID(), tt.m); err != nil {
				t.Fatal(err)
			}
			goesOn(h, w.ID(), now.Add(-tt.ago))
			if tt.do != nil {
				tt.do(t, w.ID())
			}
			got, err := predecessor(h, id, weekly, 2*time.Minute, now)
			if err != nil || (got == w.ID()) != tt.follow || !tt.follow && got != "" {
				t.Errorf("it follows %q, %v; the one before is %s", got, err, w.ID())
			}
			b, err := os.ReadFile(meetingNote(h, w.ID()))
			if gone := errors.Is(err, os.ErrNotExist); gone != (tt.name == "over" || tt.name == "days ago") || strings.Contains(string(b), "weekly") {
				t.Errorf("%v; the note is %q", err, b)
			}
			if err := meetingOver(h, w.ID()); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the server says of the recording before takes nothing from what the home knows, and is
// not said twice.
func TestClaims(t *testing.T) {
	const one, other, third = "F2JE7ZY04P971PR0YHVBFNECP0", "F2JE7ZY04P971PR0YHVBFNECP4", "F2JE7ZY04P971PR0YHVBFNECP8"
	s := &succession{id: one, before: other, log: slog.New(slog.DiscardHandler)}
	for _, told := range []struct {
		id   string
		want bool
	}{{one, false}, {other, false}, {"no ID", false}, {third, true}, {third, false}} {
		if got := s.claims(told.id); got != told.want || s.before != other {
			t.Errorf("%s claims: %v, the home knows %q", told.id, got, s.before)
		}
	}
}
