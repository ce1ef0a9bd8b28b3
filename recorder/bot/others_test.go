package bot

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// joinedRoom is a room that the bot came to at a time of the server's.
type joinedRoom struct {
	Room
	at int64
}

func (r joinedRoom) Joined() int64    { return r.at }
func (r joinedRoom) Identity() string { return "bot" }

// A recorder that comes back leaves the room to one of its fleet that has come before that, and
// proves that it records; to nobody else, and not while it was not away.
func TestWithdraws(t *testing.T) {
	for _, tt := range []struct {
		name       string
		as         keys.Description
		pinned     bool
		phase      string
		came       int64 // the other one; we are back at 50
		back, ends bool
	}{
		{"it took over", keys.Description{Name: "recorder", Device: "b", Role: keys.Recorder}, true, "recording", 20, true, true},
		{"it pauses", keys.Description{Name: "Recorder", Device: "b", Role: keys.Recorder}, true, "paused", 20, true, true},
		{"we were not away", keys.Description{Name: "Recorder", Device: "b", Role: keys.Recorder}, true, "recording", 20, false, false},
		{"it came later", keys.Description{Name: "Recorder", Device: "b", Role: keys.Recorder}, true, "recording", 60, true, false},
		{"it has stopped", keys.Description{Name: "Recorder", Device: "b", Role: keys.Recorder}, true, "stopped", 20, true, false},
		{"another name", keys.Description{Name: "Other", Role: keys.Recorder}, true, "recording", 20, true, false},
		{"nobody knows it", keys.Description{Name: "Recorder", Device: "b", Role: keys.Recorder}, false, "recording", 20, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newAsking(t, true)
			its, err := keys.GenerateAs(tt.as)
			if err != nil {
				t.Fatal(err)
			}
			own, err := m.home.Load(nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.pinned {
				card := cardOf(t, its)
				if tt.as.Name != "Other" { // of the same name only where it is approved
					if card, err = own.Approve(card); err != nil {
						t.Fatal(err)
					}
				}
				if err := m.home.Add(card); err != nil {
					t.Fatal(err)
				}
			}
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer func() { stop(); running.Wait() }()
			var other *member.Session
			sid := func() string { return "RM_1" }
			m.session, err = member.New(member.Config{Room: "weekly", SID: sid, Identity: "bot", Key: own, Judge: m.home, Notify: m.notice,
				Send: func(_ context.Context, _ []string, b []byte) error { other.Receive("bot", b); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			elsewhere, err := keys.OpenHome(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			other, err = member.New(member.Config{Room: "weekly", SID: sid, Identity: "other", Key: its, Judge: elsewhere,
				Send: func(_ context.Context, _ []string, b []byte) error { m.session.Receive("other", b); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Announce(member.State{Phase: tt.phase, Recording: "F2JE7ZY04P971PR0YHVBFNECP1", Access: AccessPresent, Readers: []member.Reader{{Name: "Bob"}}, Policy: ReadersNamed, Keeps: RecordEveryone, Consent: ConsentAsk, Store: "folder"}); err != nil {
				t.Fatal(err)
			}
			running.Go(func() { other.Run(ctx) })
			running.Go(func() { m.session.Run(ctx) })
			m.session.Joined("other")
			other.Joined("bot")
			for p := m.session.Peer("other"); !p.Recorder || p.State.Phase != tt.phase || tt.pinned != (p.Standing == member.Verified); p = m.session.Peer("other") {
				if ctx.Err() != nil {
					t.Fatalf("it is seen as %+v", p)
				}
				time.Sleep(time.Millisecond)
			}
			m.room = joinedRoom{at: 50}
			m.roster.Came(recorder.Member{Identity: "other", SID: "PA_2", Recorder: "recording", Joined: tt.came})
			stops := 0
			m.withdrawal = withdrawal{cardOf(t, own), func() { stops++ }}
			if tt.back {
				m.follow(recorder.RoomEvent{Type: media.EventReconnect})
			}
			m.withdraws(time.Now())
			m.withdraws(time.Now())
			if (stops == 1) != tt.ends || stops > 1 {
				t.Errorf("it was stopped %d times", stops)
			}
			told := 0
			farewell := &memberRoom{Room: &noticingRoom{notice: func() { told++ }}, m: m.membership}
			if err := farewell.Announce(t.Context(), "the recording has ended"); err != nil || (told == 0) != tt.ends || m.left() != tt.ends {
				t.Errorf("the room was told %d times, left %v, %v", told, m.left(), err)
			}
			m.withdrawal.stop = func() { t.Error("it was stopped long after") }
			m.back = time.Now().Add(-2 * backFor)
			m.withdraws(time.Now())
		})
	}
}
