package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A gate lets an account's requests through, or not.
type gate struct {
	next http.RoundTripper
	fail func(*http.Request) error // may wait
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.fail(r); err != nil {
		return nil, err
	}
	return g.next.RoundTrip(r)
}

// through makes an account's requests pass a gate. Nothing of it may be running.
func (a *Account) through(fail func(*http.Request) error) {
	a.client.Client = &http.Client{Transport: &gate{next: http.DefaultTransport, fail: fail}, Timeout: 3 * time.Minute}
}

// A key that is lost comes when this device joins again, once; one of ours that
// could not be sent is sent later.
func TestLostKeys(t *testing.T) {
	p := server(t)
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	var dropped atomic.Int32
	p.DropToDevice(func(to string, e map[string]any) bool {
		if to != string(bot.User()) || dropped.Load() > 0 {
			return false
		}
		dropped.Add(1)
		return true
	})
	defer p.DropToDevice(nil)
	var claims atomic.Int32
	bot.through(func(r *http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/keys/claim") && claims.Add(1) <= 2 {
			return errors.New("broken")
		}
		return nil
	})
	bot1 := followCall(t, bot, CallConfig{Room: room}, func(c *Call) { c.t.keyWait = time.Second })
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, false)
	bot1.kind(t, Came, ada)
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := bot1.own.sent()
	ada1.kind(t, Came, bot)
	key := bot1.kind(t, Keyed, ada)
	if _, want := ada1.Key(); string(want) != string(key.Key) {
		t.Error("the key is another")
	}
	if bot1.own.sent() == first || dropped.Load() == 0 {
		t.Error("the recorder did not join again") // else nothing was lost
	}
	ada1.until(t, "that it joined again", func(e CallEvent) bool { return e.Kind == Changed && strings.Contains(e.Reason, "again") })
	if !ada1.heard(func(e CallEvent) bool { return e.Kind == Keyed && e.Caller.User == bot.User() }) {
		t.Error("Ada has no key of the recorder")
	}
	if claims.Load() < 3 {
		t.Errorf("one-time keys were asked for %d times", claims.Load())
	}
	bot1.Call.mu.Lock()
	for _, cl := range bot1.callers {
		if cl.keyed = false; !cl.asked {
			t.Error("it is not known that the key was asked for")
		}
	}
	bot1.Call.mu.Unlock()
	again := bot1.own.sent()
	bot1.askKeys(time.Now().Add(time.Hour))
	bot1.own.mu.Lock()
	anew := bot1.own.anew
	bot1.own.mu.Unlock()
	if anew || bot1.own.sent() != again {
		t.Error("the key is asked for twice")
	}
}

// After a gap in what the homeserver tells, the room is read again; a member whose
// leave is hidden goes when the membership runs out.
func TestGap(t *testing.T) {
	p := server(t)
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot, bob)
	if _, err := bob.client.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	say := func(a *Account, device id.DeviceID, content any) {
		t.Helper()
		key := rtc.Announcement{User: a.User(), Device: device}.StateKey()
		if _, err := a.client.SendStateEvent(t.Context(), room, rtc.StateMember, key, content); err != nil {
			t.Fatal(err)
		}
	}
	in := func(a *Account, device id.DeviceID, expires time.Duration) {
		t.Helper()
		said := rtc.Announcement{User: a.User(), Device: device, Room: room, Service: someService, Expires: expires}
		say(a, device, said.StateContent())
	}
	var mu sync.Mutex
	open := make(chan struct{})
	close(open)
	bot.through(func(r *http.Request) error {
		mu.Lock()
		wait := open
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/sync") {
			select {
			case <-wait:
			case <-r.Context().Done():
			}
		}
		return nil
	})
	in(ada, ada.Device(), time.Hour)
	bot1 := followCall(t, bot, CallConfig{Room: room})
	bot1.kind(t, Came, ada)
	eventually(t, "the first answer", func() bool {
		if _, err := ada.client.SendMessageEvent(t.Context(), room, event.EventMessage, map[string]any{"msgtype": "m.text", "body": "live"}); err != nil {
			t.Fatal(err)
		}
		return bot1.heard(func(e CallEvent) bool { return e.Kind == Chat && e.Text == "live" })
	})
	mu.Lock()
	open = make(chan struct{})
	mu.Unlock()
	say(ada, ada.Device(), struct{}{})
	in(bob, bob.Device(), time.Hour)
	for range 60 {
		if _, err := ada.client.SendMessageEvent(t.Context(), room, event.EventMessage, map[string]any{"msgtype": "m.text", "body": "much"}); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	close(open)
	mu.Unlock()
	bot1.until(t, "the gap", func(e CallEvent) bool { return e.Kind == Cut })
	eventually(t, "who is there", func() bool { list := bot1.Members(); return len(list) == 1 && list[0].User == bob.User() })

	// Ada comes again, and her leave is hidden.
	p.KeepListed(rtc.StateMember.Type, rtc.Announcement{User: ada.User(), Device: "BRIEF"}.StateKey())
	in(ada, "BRIEF", time.Hour)
	bot1.until(t, "Ada", func(e CallEvent) bool { return e.Kind == Came && e.Caller.Device == "BRIEF" })
	say(ada, "BRIEF", struct{}{})
	if _, err := ada.client.SendMessageEvent(t.Context(), room, event.EventMessage, map[string]any{"msgtype": "m.text", "body": "after"}); err != nil {
		t.Fatal(err)
	}
	bot1.until(t, "what came after the leave", func(e CallEvent) bool { return e.Kind == Chat && e.Text == "after" })
	bot1.Call.mu.Lock()
	if bot1.callers[Target{ada.User(), "BRIEF"}] == nil {
		t.Error("the leave was not hidden")
	}
	bot1.settle(time.Now().Add(time.Hour))
	bot1.Call.mu.Unlock()
	bot1.until(t, "that it ran out", func(e CallEvent) bool { return e.Kind == Left && e.Caller.Device == "BRIEF" })
}

// State that was read while a sync brought newer does not take its place.
func TestOvertaken(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	type ours struct{}
	asked, held := make(chan struct{}), make(chan struct{})
	bot.client.Client = &http.Client{Transport: late(func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/state") && r.Context().Value(ours{}) != nil {
			close(asked)
			<-held
		}
	})}
	bot1 := followCall(t, bot, CallConfig{Room: room})
	ada1 := followCall(t, ada, CallConfig{Room: room})
	read := make(chan error)
	go func() { read <- bot1.load(context.WithValue(t.Context(), ours{}, true)) }()
	<-asked
	ada1.begin(t, false)
	bot1.kind(t, Came, ada)
	close(held)
	if err := <-read; !errors.Is(err, errOvertaken) || len(bot1.Members()) != 1 {
		t.Errorf("older state: %v; in the call are %+v", err, bot1.Members())
	}
}

// late is called when an answer is there, and may hold it back.
type late func(*http.Request)

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	l(r)
	return resp, err
}

// In which format and by which service this device takes part.
func TestChoose(t *testing.T) {
	const other = "https://other.meet.test/jwt"
	now := time.Now()
	member := func(device string, sticky, oldest bool, services ...string) rtc.Entry {
		return rtc.Entry{Member: rtc.Member{User: "@ada:meet.test", Device: id.DeviceID(device), Key: device, Sticky: sticky, Oldest: oldest, Services: services, Since: now.Add(-time.Hour), Expires: now.Add(time.Hour)}}
	}
	state, sticky := member("A", false, false, someService), member("B", true, false, other)
	old := member("C", false, true, other)
	power := func(kinds map[string]int) *event.Event {
		b, err := json.Marshal(map[string]any{"events": kinds})
		if err != nil {
			t.Fatal(err)
		}
		return &event.Event{Type: event.StatePowerLevels, StateKey: new(string), Content: event.Content{VeryRaw: b}}
	}
	levels := power(map[string]int{rtc.StateMember.Type: 0})
	noState := power(map[string]int{rtc.StateMember.Type: 50})
	noSticky := power(map[string]int{rtc.StateMember.Type: 0, "m.room.encrypted": 50})
	for _, test := range []struct {
		name    string
		members []rtc.Entry
		levels  *event.Event
		can     features
		want    string
		err     error
	}{
		{"nobody", nil, levels, features{}, "", ErrNobody},
		{"by state", []rtc.Entry{state}, levels, features{sticky: true}, "state " + someService, nil},
		{"sticky", []rtc.Entry{sticky}, levels, features{sticky: true}, "sticky " + other, nil},
		{"half and half", []rtc.Entry{state, sticky}, levels, features{sticky: true}, "state " + someService, nil},
		{"most are sticky", []rtc.Entry{state, sticky, member("D", true, false)}, levels, features{sticky: true}, "sticky " + someService, nil},
		{"the homeserver cannot", []rtc.Entry{sticky}, levels, features{}, "state " + other, nil},
		{"no power for sticky", []rtc.Entry{sticky}, noSticky, features{sticky: true}, "state " + other, nil},
		{"no power for state", []rtc.Entry{state}, noState, features{sticky: true}, "sticky " + someService, nil},
		{"no power at all", []rtc.Entry{state}, noState, features{}, "", errNoPower},
		{"nobody sends by LiveKit", []rtc.Entry{member("E", false, false)}, levels, features{}, "", ErrNoTransport},
		{"old clients", []rtc.Entry{old}, levels, features{}, "oldest " + other, nil},
	} {
		a := &Account{state: &state0}
		c := &Call{a: a, can: test.can, room: rtc.NewRoom(), roster: rtc.NewRoster(), refused: make(map[refusal]bool)}
		c.room.Take(roomMember("@ada:meet.test", "join", "Ada"))
		c.room.Encrypted = true
		c.room.Take(test.levels)
		for _, e := range test.members {
			c.roster.Put(e)
		}
		said, stickily, err := c.choose(now)
		got := "state " + said.Service
		if stickily {
			got = "sticky " + said.Service
		} else if said.Oldest {
			got = "oldest " + said.Service
		}
		if _, ok := errors.AsType[*rtc.PowerError](err); ok {
			err = errNoPower
		}
		if !errors.Is(err, test.err) || err == nil && got != test.want {
			t.Errorf("%s: %s, %v", test.name, got, err)
		}
	}
}

var errNoPower = errors.New("a *rtc.PowerError")

var state0 = state{savedState: savedState{User: "@bot:meet.test", Device: "BOT", Peers: map[id.UserID]*peer{}}}
