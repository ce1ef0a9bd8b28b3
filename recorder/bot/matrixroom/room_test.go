package matrixroom

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
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
			s.call.unwatched = unwatched
			s.announce()
			told := slices.ContainsFunc(s.says(), func(text string) bool { return strings.Contains(text, "MSC4140") })
			if told != unwatched {
				t.Errorf("without a watchdog: %v, said %q", unwatched, s.says())
			}
		})
	}
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

// Keys go into the ring of the device that they came from. The one before goes when its time
// is over, and all of a device that is not to be trusted at once.
func TestKeys(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		ring := s.rings.Keyring(ada)
		key := func(index int) func(*matrix.CallEvent) {
			return func(e *matrix.CallEvent) { e.Index, e.Key = index, []byte("0123456789abcdef") }
		}
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(1))
		if !ring.Has(0) || !ring.Has(1) {
			t.Error("a key is missing")
		}
		if atLiveKit := s.sfu("wss://one.hs/jwt").config.Keys; atLiveKit.Keyring("hash of "+ada) != ring || atLiveKit.Keyring("own hash") != s.rings.Keyring("@bot:hs:BOT") || atLiveKit.Keyring("mallory") == ring {
			t.Error("LiveKit's identities have other rings")
		}
		if own, ok := s.rings.Keyring("@bot:hs:BOT").Newest(); !ok || own != 0 {
			t.Error("the recorder has no key of its own")
		}
		time.Sleep(keyGrace + 2*time.Second)
		if ring.Has(0) || !ring.Has(1) {
			t.Error("the key before is still there, or the present one is not")
		}
		// Back to an index: what is in use stays.
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(1))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		time.Sleep(keyGrace + 2*time.Second)
		if !ring.Has(0) || ring.Has(1) {
			t.Error("the key in use is gone, or the one before is not")
		}
		untrusted := caller("ada", "A", one)
		untrusted.Standing = matrix.Unsigned
		s.call.tell(matrix.Stood, untrusted, func(e *matrix.CallEvent) { e.Reason = "the master key changed" })
		s.call.tell(matrix.Keyed, untrusted, key(2))
		if _, ok := ring.Newest(); ok || ring.Has(0) || ring.Has(2) {
			t.Error("keys of a device that is not to be trusted are used")
		}
		s.call.tell(matrix.Stood, caller("ada", "A", one), func(e *matrix.CallEvent) { e.Reason = "it is hers again" })
		if !ring.Has(0) || ring.Has(1) || ring.Has(2) {
			t.Error("not the keys are back that came while the device was to be trusted")
		}
		s.call.tell(matrix.Stood, untrusted, func(e *matrix.CallEvent) { e.Reason = "the master key changed" })
		if e := s.next(is(recorder.EventStanding, ada)); e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		if said := s.says(); !strings.Contains(said[len(said)-1], "ada (@ada:hs) is not recorded") || !strings.Contains(said[len(said)-1], "master key changed") {
			t.Errorf("said %q", said)
		}
	})
}

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
			s.call.mu.Lock()
			s.call.gagged = &matrix.PowerError{What: "to write", Event: "m.room.encrypted", Has: 0, Needs: 50}
			s.call.mu.Unlock()
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
		fake := &fakeCall{failing: make(chan error)}
		r := newRoom(Config{Wait: time.Minute, Say: func(string) {}, open: func(_ context.Context, c matrix.CallConfig) (call, string, error) {
			fake.config = c
			return fake, "@bot:hs:BOT", nil
		}}, presence(), nil)
		if err := r.begin(t.Context()); !errors.Is(err, ErrNobody) {
			t.Errorf("began with %v", err)
		}
		if did := fake.done(); !slices.Equal(did, []string{"leave"}) {
			t.Errorf("did %q", did)
		}
	})
}

// opens reports whether a ring opens what is sealed under a key.
func opens(t *testing.T, ring *frame.Keyring, index int, key string) bool {
	t.Helper()
	sender := frame.NewKeyring(256, frame.KeyOptions{})
	if err := sender.SetRaw(index, []byte(key), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	sealed, err := frame.NewEncrypter(media.Opus, sender, index, 1).Encrypt(nil, []byte("frame"), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = frame.NewDecrypter(media.Opus, ring).Decrypt(nil, sealed)
	return err == nil
}

// Somebody who comes back begins with another key at the same index: what was sealed before is
// on its way for a while.
func TestComesBackAtTheSameIndex(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		for _, key := range []string{"the first key 16", "another key 1616"} {
			s.call.tell(matrix.Keyed, caller("ada", "A", one), func(e *matrix.CallEvent) { e.Key = []byte(key) })
		}
		ring := s.rings.Keyring(ada)
		if !opens(t, ring, 0, "another key 1616") || !opens(t, ring, 0, "the first key 16") {
			t.Error("one of the keys does not open")
		}
	})
}

// That somebody is in the call, the homeserver says: nobody reads before their device has
// shown that it is there.
func TestReadsOnceKeyed(t *testing.T) {
	on(t, func(c *Config) { c.Members = map[string][]keys.Card{"@ada:hs": {{Name: "Ada"}}} }, func(s *stage) {
		s.announce()
		verified := caller("ada", "A", one)
		verified.Standing = matrix.Verified
		s.call.tell(matrix.Stood, verified)
		if k := s.known(ada); k.Standing != recorder.StandingClaimed || len(k.Cards) != 0 {
			t.Errorf("without a key Ada is %+v", k)
		}
		s.next(is(recorder.EventStanding, ada))
		s.call.tell(matrix.Keyed, verified, func(e *matrix.CallEvent) { e.Key = []byte("0123456789abcdef") })
		if k := s.known(ada); k.Standing != media.VerifiedByMatrix || len(k.Cards) != 1 {
			t.Errorf("with one she is %+v", k)
		}
		s.next(is(recorder.EventStanding, ada))
		// What a server calls the recorder does not make it hear a member under its own key.
		s.mu.Lock()
		s.own["hash of "+ada] = true
		s.mu.Unlock()
		if s.sfu("wss://one.hs/jwt").config.Keys.Keyring("hash of "+ada) != s.rings.Keyring(ada) {
			t.Error("a member's identity has the recorder's ring")
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
		s.call.mu.Lock()
		s.call.deaf = "@cat:hs"
		s.call.mu.Unlock()
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
