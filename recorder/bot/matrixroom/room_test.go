package matrixroom

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	one, two = "https://one.hs/jwt", "https://two.hs/jwt"
	ada, ben = "@ada:hs:A", "@ben:hs:B"
)

// on plays a meeting in virtual time, and leaves it.
func on(t *testing.T, change func(*Config), play func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, change)
		play(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for {
			if _, err := s.Accept(context.Background()); errors.Is(err, recorder.ErrEnded) {
				return
			}
		}
	})
}

// announce has the first Announce, which takes the notice period.
func (s *stage) announce() {
	s.t.Helper()
	begun := time.Now()
	if err := s.Announce(s.t.Context(), "recorded"); err != nil {
		s.t.Fatal(err)
	}
	if took := time.Since(begun); took != livekit.NoticePeriod {
		s.t.Errorf("the notice took %v", took)
	}
}

var opus = recorder.TrackInfo{ID: "TR_1", Source: media.Microphone, Codec: media.Opus, ClockRate: 48000, Channels: 2, Encrypted: true}

// publish has somebody publish a microphone under a LiveKit identity.
func publish(at *fakeSFU, alias string) {
	info := opus
	info.Participant, info.Name = alias, "by the server"
	at.Publish(info)
}

// The recorder never is the first; it is told of before it is seen, seen before it takes keys,
// and in the end it leaves and is called as before.
func TestOrder(t *testing.T) {
	on(t, nil, func(s *stage) {
		if said := s.says(); len(said) != 1 || !strings.Contains(said[0], "waiting") {
			t.Errorf("said %q while nobody was there", said)
		}
		if did := s.call.done(); len(did) > 0 {
			t.Errorf("did %q before the announcement", did)
		}
		s.announce()
		if err := s.Announce(s.t.Context(), "over"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		want := []string{"notice recorded", "name Sealtape - recording", "enter", "token of " + one, "notice over", "leave", "name "}
		if did := s.call.done(); !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
		at := s.sfu("wss://one.hs/jwt")
		if got := at.Announcements(); !slices.Equal(got, []string{"recorded", "over"}) {
			t.Errorf("LiveKit heard %q", got)
		}
		if !at.config.Told || at.config.Keys == nil || at.config.Token != "jwt" {
			t.Errorf("joined with %+v", at.config)
		}
	})
}

// A homeserver without delayed events is no refusal, and the operator is told.
func TestUnwatched(t *testing.T) {
	for _, unwatched := range []bool{false, true} {
		on(t, nil, func(s *stage) {
			s.call.alter(func(c *fakeCall) { c.unwatched = unwatched })
			s.announce()
			told := slices.ContainsFunc(s.says(), func(text string) bool { return strings.Contains(text, "MSC4140") })
			if told != unwatched {
				t.Errorf("without a watchdog: %v, said %q", unwatched, s.says())
			}
		})
	}
}

// Who is in the call by a sticky event only, for want of power, is not listed by all clients: the
// operator is told.
func TestStickyOnly(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.call.alter(func(c *fakeCall) {
			c.sticky = &rtc.PowerError{Event: "org.matrix.msc3401.call.member", Needs: 50}
		})
		s.announce()
		if !slices.ContainsFunc(s.says(), func(text string) bool {
			return strings.Contains(text, "do not list the recorder") && strings.Contains(text, "level of 50")
		}) {
			t.Errorf("said %q", s.says())
		}
	})
}

// Joins, leaves and names are the homeserver's; tracks are taken from who is a member, under
// either identity, and under what the homeserver calls them.
func TestWhoIsThere(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		if e := s.next(is(media.EventJoin, ada)); e.Name != "ada" || e.Visit == 0 {
			t.Errorf("%+v", e)
		}
		at := s.sfu("wss://one.hs/jwt")
		if at.config.Admit("mallory") || at.config.Admit("own hash") || !at.config.Admit(ada) || !at.config.Admit("hash of "+ada) {
			t.Error("admits others than members")
		}
		at.Join("mallory", "Mallory")
		at.Leave(ada)
		publish(at, "hash of "+ada)
		e := s.next(is(media.EventTrack, ada))
		if info := e.Track.Info(); info.Participant != ada || info.Name != "ada" || e.Name != "ada" || info.Server != "one.hs/jwt" || info.ID != "1/TR_1" {
			t.Errorf("%+v", info)
		}
		at.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: ada, TrackID: "TR_1"})
		if e := s.next(is(media.EventMute, ada)); e.TrackID != "1/TR_1" {
			t.Errorf("%+v", e)
		}
		at.Speak("mallory", ada)
		if e := s.next(is(media.EventSpeaking, "")); !slices.Equal(e.Speakers, []string{ada}) {
			t.Errorf("%q speak", e.Speakers)
		}
		again := caller("ada", "A", one)
		again.Name, again.Identities = "Ada L.", []string{"another hash"}
		s.call.tell(matrix.Changed, again)
		if e := s.next(is(media.EventName, ada)); e.Name != "Ada L." || e.Text != "ada" {
			t.Errorf("%+v", e)
		}
		if at.config.Admit(ada) || !at.config.Admit("another hash") || !slices.Contains(at.reviewed, ada) {
			t.Error("who joined anew has the identities of before")
		}
		s.call.tell(matrix.Left, again)
		s.next(is(media.EventLeave, ada))
		if at.config.Admit("another hash") || s.Roster().Len() != 0 {
			t.Error("who left is still there")
		}
		publish(at, ada)
		s.none(media.EventTrack)
	})
}

// Who publishes without being a member is told of, and declared, once.
func TestStranger(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		at := s.sfu("wss://one.hs/jwt")
		at.mu.Lock()
		at.publishing = []string{ada, "own hash", "mallory"}
		at.mu.Unlock()
		if e := s.next(is(media.EventHole, "mallory")); e.Reason != media.HoleStranger {
			t.Errorf("%+v", e)
		}
		s.none(media.EventHole)
		if said := s.says(); len(said) != 2 || !strings.Contains(said[1], "mallory") {
			t.Errorf("said %q", said)
		}
	})
}

// What ends a call ends the room, and says whether the others may meet on.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(s *stage)
		want   error
		goesOn bool
	}{
		{"removed", func(s *stage) { s.call.tell(matrix.Removed, matrix.Caller{}) }, matrix.ErrRemoved, true},
		{"logged out", func(s *stage) { s.call.failing <- matrix.ErrLoggedOut }, matrix.ErrLoggedOut, true},
		{"may not write", func(s *stage) {
			s.call.alter(func(c *fakeCall) {
				c.gagged = &rtc.PowerError{What: "to write", Event: "m.room.encrypted", Has: 0, Needs: 50}
			})
			s.call.tell(matrix.Powerless, matrix.Caller{})
		}, ErrSilenced, true},
		{"thrown out of the only server", func(s *stage) {
			s.sfu("wss://one.hs/jwt").fail(livekit.ErrRemoved)
		}, livekit.ErrRemoved, false},
		{"thrown out of each server", func(s *stage) {
			s.call.tell(matrix.Came, caller("ben", "B", two))
			time.Sleep(time.Second)
			s.sfu("wss://one.hs/jwt").fail(livekit.ErrRemoved)
			time.Sleep(time.Second)
			s.sfu("wss://two.hs/jwt").fail(livekit.ErrHid)
		}, livekit.ErrHid, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, nil, func(s *stage) {
				s.announce()
				tt.happen(s)
				for {
					_, err := s.Accept(s.t.Context())
					if err == nil {
						continue
					}
					if !errors.Is(err, recorder.ErrEnded) || !errors.Is(err, tt.want) || goesOn(err) != tt.goesOn {
						t.Errorf("%v, goes on %v", err, goesOn(err))
					}
					return
				}
			})
		})
	}
}

// Nobody begins the call: the recorder gives up in its time, and was never seen.
func TestNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeCall{failing: make(chan error), sticky: &rtc.PowerError{What: "to take part in its call", Event: "org.matrix.msc3401.call.member", Needs: 50}}
		var said []string
		r := newRoom(Config{Wait: time.Minute, Say: func(s string) { said = append(said, s) }, open: func(_ context.Context, c matrix.CallConfig) (call, string, error) {
			fake.config = c
			return fake, "@bot:hs:BOT", nil
		}}, presence(), nil)
		if err := r.begin(t.Context()); !errors.Is(err, ErrNobody) {
			t.Errorf("began with %v", err)
		}
		if did := fake.done(); !slices.Equal(did, []string{"leave"}) {
			t.Errorf("did %q", did)
		}
		// In such a room, most people cannot begin it either.
		if len(said) != 1 || !strings.Contains(said[0], "waiting for somebody to begin the call") || !strings.Contains(said[0], "takes a power level of 50, and the recorder has 0") || !strings.Contains(said[0], "Voice & Video") {
			t.Errorf("said %q", said)
		}
	})
}

// Who joined the room after it was told that it is recorded is told, too, once for all who come
// with them.
func TestTellsComers(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		if err := s.Change(t.Context(), "Bob reads", "Bob reads"); err != nil {
			t.Fatal(err)
		}
		told := func() (n int) {
			s.call.mu.Lock()
			defer s.call.mu.Unlock()
			for _, did := range s.call.did {
				if did == "notice recorded" || did == "notice Bob reads" {
					n++
				}
			}
			return n
		}
		s.call.tell(matrix.Came, caller("ben", "B", one))
		time.Sleep(2 * remindAfter)
		if n := told(); n != 2 {
			t.Errorf("who can read it was told again: %d notices", n)
		}
		s.call.alter(func(c *fakeCall) { c.deaf = "@cat:hs" })
		s.call.tell(matrix.Came, caller("cat", "C", one))
		s.call.tell(matrix.Came, caller("cat", "D", one))
		unsigned := caller("dan", "E", one)
		unsigned.Standing = matrix.Unsigned
		s.call.tell(matrix.Came, unsigned)
		time.Sleep(2 * remindAfter)
		if n := told(); n != 4 {
			t.Errorf("%d notices, want the two once more", n)
		}
	})
}
