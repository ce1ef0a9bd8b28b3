package matrixroom

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

// A server is joined when somebody publishes there, lost and found alone, and left when nobody
// does for a while.
func TestServersComeAndGo(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		s.call.tell(matrix.Came, caller("ben", "B", two))
		s.next(is(media.EventJoin, ben))
		synctest.Wait()
		second := s.sfu("wss://two.hs/jwt")
		if second == nil || !slices.Equal(second.Announcements(), []string{"recorded"}) {
			t.Fatal("the second server was not joined, or not told")
		}
		publish(second, ben)
		publish(s.sfu("wss://one.hs/jwt"), ada)
		ids := make(map[string]string)
		for range 2 {
			info := s.next(func(e recorder.RoomEvent) bool { return e.Track != nil }).Track.Info()
			ids[info.ID] = info.Server
		}
		if len(ids) != 2 || ids["1/TR_1"] != "one.hs/jwt" || ids["2/TR_1"] != "two.hs/jwt" {
			t.Errorf("tracks %v", ids)
		}
		late := make(map[string]string)
		for range 2 {
			e := s.next(is(media.EventServer, ""))
			late[e.Server] = e.Text
		}
		if len(late) != 2 || late["one.hs/jwt"] != "16ms" {
			t.Errorf("late by %v", late)
		}
		// Its LiveKit room is over, although ben is there; it cannot be joined for a while.
		s.mu.Lock()
		s.down["wss://two.hs/jwt"] = true
		s.mu.Unlock()
		second.End("it was deleted")
		if e := s.next(is(media.EventLost, "")); e.Server != "two.hs/jwt" {
			t.Errorf("%+v", e)
		}
		if e := s.next(is(media.EventHole, ben)); e.Reason != media.HoleReconnect {
			t.Errorf("%+v", e)
		}
		if !s.Connected() {
			t.Error("the other server is lost, too")
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.down = map[string]bool{}
		s.mu.Unlock()
		if e := s.next(is(media.EventReconnect, "")); e.Server != "two.hs/jwt" || e.Reason != media.ReconnectRejoin || time.Since(e.Since) < time.Minute {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Second)
		if again := s.sfu("wss://two.hs/jwt"); again == second || !slices.Equal(again.Announcements(), []string{"recorded"}) {
			t.Error("it was not joined again")
		}
		if said := s.says(); len(said) != 2 || !strings.Contains(said[1], "two.hs/jwt") {
			t.Errorf("said %q, want once that the server fails", said)
		}
		s.call.tell(matrix.Left, caller("ben", "B", two))
		time.Sleep(linger / 2)
		s.room.mu.Lock()
		n := len(s.servers)
		s.room.mu.Unlock()
		if n != 2 {
			t.Error("the server was left at once")
		}
		time.Sleep(linger)
		select {
		case <-s.sfu("wss://two.hs/jwt").Closed():
		default:
			t.Error("nobody publishes there, and it was not left")
		}
		s.call.tell(matrix.Left, caller("ada", "A", one))
		time.Sleep(2 * linger)
		select {
		case <-s.sfu("wss://one.hs/jwt").Closed():
			t.Error("the last server was left while the grace lasts")
		default:
		}
	})
}

// A member's own server may lie about others, throw the recorder out, or have another take its
// place: that costs who publishes there something, and nobody else.
func TestHostileServer(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		s.call.tell(matrix.Came, caller("eve", "E", two))
		time.Sleep(time.Second)
		evil := s.sfu("wss://two.hs/jwt")
		if evil.config.Admit(ada) || !evil.config.Admit("@eve:hs:E") || s.sfu("wss://one.hs/jwt").config.Admit("@eve:hs:E") {
			t.Error("a server is believed about who publishes elsewhere")
		}
		publish(evil, ada)
		evil.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: ada, TrackID: "TR_1"})
		evil.Speak(ada, "@eve:hs:E")
		e := s.next(func(e recorder.RoomEvent) bool {
			if e.Participant == ada && e.Type != media.EventJoin {
				t.Errorf("%+v", e)
			}
			return e.Type == media.EventSpeaking
		})
		if !slices.Equal(e.Speakers, []string{"@eve:hs:E"}) {
			t.Errorf("%q speak", e.Speakers)
		}
		evil.fail(livekit.ErrReplaced)
		time.Sleep(5 * time.Second)
		again := s.sfu("wss://two.hs/jwt")
		if again == evil {
			t.Fatal("who takes the recorder's place keeps it out")
		}
		again.fail(livekit.ErrRemoved)
		time.Sleep(time.Minute)
		if s.sfu("wss://two.hs/jwt") != again {
			t.Error("the recorder goes where it was thrown out")
		}
		publish(s.sfu("wss://one.hs/jwt"), ada)
		s.next(is(media.EventTrack, ada))
	})
}

// A server that lets the recorder in to throw it out is not joined without end; one that kept it
// for a while is, soon.
func TestThrownOut(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		s.call.tell(matrix.Came, caller("eve", "E", two))
		var last *fakeSFU
		// throw ends the next visit after it lasted so long, and returns how long the recorder
		// stayed away before.
		throw := func(lasts time.Duration) time.Duration {
			away := time.Now()
			for {
				if at := s.sfu("wss://two.hs/jwt"); at != nil && at != last {
					last = at
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			took := time.Since(away)
			time.Sleep(lasts)
			last.fail(errors.New("the server ended that"))
			return took
		}
		throw(time.Second)
		for _, least := range []time.Duration{firstRetry, 2 * firstRetry, 4 * firstRetry, 8 * firstRetry, lastRetry, lastRetry} {
			if took := throw(time.Second); took < least || took > least+5*time.Second {
				t.Errorf("joined again after %v, want %v", took, least)
			}
		}
		throw(2 * lastRetry)
		if took := throw(time.Second); took > 5*time.Second {
			t.Errorf("after a long visit it was joined again after %v", took)
		}
	})
}

// Members of the older kind publish where the oldest member does.
func TestOldestMember(t *testing.T) {
	first, later := caller("ada", "A", one), caller("ben", "B", two)
	first.Since, later.Since = time.Unix(1, 0), time.Unix(2, 0)
	later.Oldest = true
	first.Oldest = true
	s := &room{members: map[string]*member{ada: {caller: first}, ben: {caller: later}}}
	if got := s.wanted(); len(got) != 1 || len(got[one]) != 2 {
		t.Errorf("publish to %v", got)
	}
	// And are heard from there, and for a while from where they were before.
	s.of = map[string]string{ada: ada, ben: ben}
	now := time.Unix(100, 0)
	at := func(service string) bool {
		_, _, ok := (&server{r: s, service: service}).publisher(ben)
		return ok
	}
	if aliases := s.lead(now); !slices.Contains(aliases, later.Identities[0]) || !at(one) || at(two) || at("https://evil.hs") {
		t.Errorf("reviewed %q; heard from one: %v, two: %v", aliases, at(one), at(two))
	}
	delete(s.members, ada)
	if aliases := s.lead(now.Add(time.Second)); len(aliases) == 0 || !at(one) || !at(two) {
		t.Errorf("reviewed %q; heard from one: %v, two: %v", aliases, at(one), at(two))
	}
	if aliases := s.lead(now.Add(linger + time.Second)); len(aliases) != 0 || at(one) || !at(two) {
		t.Errorf("reviewed %q; heard from one: %v, two: %v", aliases, at(one), at(two))
	}
	s.members[ada] = &member{caller: first}
	later.Oldest = false
	s.members[ben].caller = later
	if got := s.wanted(); len(got) != 2 || !slices.Equal(got[two], []string{ben}) {
		t.Errorf("publish to %v", got)
	}
}
