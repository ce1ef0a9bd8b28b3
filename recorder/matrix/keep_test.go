package matrix

import (
	"context"
	"errors"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers/homeserver"
)

// listed returns which devices of a user the room's state lists in the call.
func listed(t *testing.T, a *Account, room id.RoomID) map[id.DeviceID]rtc.Member {
	t.Helper()
	events, err := a.client.StateAsArray(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[id.DeviceID]rtc.Member)
	for _, e := range events {
		if m, left, err := rtc.ReadMember(e); err == nil && !left && e.Sender == a.User() {
			out[m.Device] = m
		}
	}
	return out
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx := sample.Context(t)
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: it did not come to that", what)
		}
	}
}

func (p *presence) waits() id.DelayID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delayed
}

// A member takes back what an earlier life left, is in again when something takes
// its membership away, and is taken off the list when it is not heard of.
func TestWatched(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, false)
	if _, err := bot.client.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	// What lives before left: a membership of a device that is no more, one of this
	// device, and a leave that is still to come.
	for _, device := range []id.DeviceID{"GONE", bot.Device()} {
		old := rtc.Announcement{User: bot.User(), Device: device, Room: room, Service: someService, Expires: time.Hour}
		if _, err := bot.client.SendStateEvent(t.Context(), room, rtc.StateMember, old.StateKey(), old.StateContent()); err != nil {
			t.Fatal(err)
		}
		if device == "GONE" {
			continue
		}
		if _, err := bot.client.SendStateEvent(t.Context(), room, rtc.StateMember, old.StateKey(), struct{}{}, mautrix.ReqSendEvent{UnstableDelay: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	waiting := shared.proxy.Delayed()
	bot1 := followCall(t, bot, CallConfig{Room: room})
	if got := listed(t, bot, room); len(got) != 0 || shared.proxy.Delayed() != waiting-1 {
		t.Errorf("of earlier lives are left %+v and %d leaves", got, shared.proxy.Delayed()-waiting+1)
	}
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ada1.kind(t, Keyed, bot)
	// The homeserver ends the membership: it begins anew, with a leave of its own.
	first := bot1.own.waits()
	if err := bot.updateDelayed(t.Context(), first, event.DelayActionSend); err != nil {
		t.Fatal(err)
	}
	eventually(t, "in again", func() bool { return bot1.own.waits() != first && len(listed(t, bot, room)) == 1 })
	// Somebody else's hand takes it away, while the leave still waits.
	eventually(t, "seen", func() bool { bot1.own.mu.Lock(); defer bot1.own.mu.Unlock(); return bot1.own.seen })
	sent := bot1.own.sent()
	if _, err := bot.client.SendStateEvent(t.Context(), room, rtc.StateMember, bot1.own.stateKey(), struct{}{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "in once more", func() bool { return bot1.own.sent() != sent && len(listed(t, bot, room)) == 1 })
	ada1.until(t, "the key after that", func(e CallEvent) bool { return e.Kind == Keyed || e.Kind == Came && e.Caller.User == bot.User() })
	if err := bot1.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, bot, room); len(got) != 0 || bot1.Watched() {
		t.Errorf("after leaving there are %+v", got)
	}
	if list, err := bot.client.DelayedEvents(t.Context(), &mautrix.ReqDelayedEvents{}); err != nil || len(list.Scheduled) != 0 {
		t.Errorf("after leaving, %v wait, %v", list, err)
	}
	ada1.until(t, "gone", func(e CallEvent) bool { return e.Kind == Left && len(ada1.Members()) == 0 })
	// Not heard of, it is taken off the list. On a busy machine that may happen, and be
	// mended, before its end, too.
	bot1.own.step.Lock()
	bot1.Call.t.leaveDelay = 2 * time.Second
	bot1.own.step.Unlock()
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ada1.kind(t, Came, bot)
	if err := bot1.end(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	eventually(t, "off the list", func() bool { return len(ada1.Members()) == 0 })
}

// The same by sticky events; the leave that waits can be read by everybody.
func TestWatchedSticky(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, home, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	if _, err := bot.client.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	bot1 := followCall(t, bot, CallConfig{Room: room})
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, true)
	bot1.kind(t, Came, ada)
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ada1.kind(t, Keyed, bot)
	eventually(t, "seen", func() bool { bot1.own.mu.Lock(); defer bot1.own.mu.Unlock(); return bot1.own.seen })
	first := bot1.own.waits()
	if err := bot.updateDelayed(t.Context(), first, event.DelayActionSend); err != nil {
		t.Fatal(err)
	}
	eventually(t, "in again", func() bool { return bot1.own.waits() != first && bot1.own.waits() != "" })
	eventually(t, "Ada sees it", func() bool {
		ada1.Call.mu.Lock()
		defer ada1.Call.mu.Unlock()
		cl := ada1.callers[Target{bot.User(), bot.Device()}]
		return cl != nil && cl.entry.Event == bot1.own.sent()
	})
	// Killed: the next life knows who is there, though sticky events come once, and
	// takes back what it was.
	old, _, _ := bot1.Own()
	if err := bot.updateDelayed(t.Context(), bot1.own.waits(), event.DelayActionCancel); err != nil {
		t.Fatal(err)
	}
	if err := bot1.end(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := bot.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := home.Open(string(bot.User()), logger())
	if err != nil {
		t.Fatal(err)
	}
	*bot = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
	bot2 := followCall(t, bot, CallConfig{Room: room})
	if got := bot2.Members(); len(got) != 1 || got[0].User != ada.User() || !got[0].Sticky {
		t.Errorf("the next life sees %+v", got)
	}
	gone := ada1.kind(t, Left, bot)
	if gone.Caller.Key != old.Key {
		t.Errorf("left is %s, want %s", gone.Caller.Key, old.Key)
	}
	if err := bot2.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _, _ := bot2.Own(); now.Key == old.Key || !now.Sticky {
		t.Errorf("in again as %+v", now)
	}
	if err := bot2.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bot.state.Member[room] != "" {
		t.Error("a membership that ended is remembered")
	}
}

// A homeserver allows short delays only, or has none: then nothing is sent that
// would be a leave at once.
func TestShortDelay(t *testing.T) {
	ada, _, _, _ := logIn(t)
	room := callRoom(t, ada)
	const maxDelay = 10 * time.Minute
	for _, test := range []struct {
		name    string
		config  homeserver.Config
		watched bool
		expires time.Duration
	}{
		{"short", homeserver.Config{MaxDelay: maxDelay}, true, quick.withDelay},
		{"none", homeserver.Config{Plain: true}, false, quick.withoutDelay},
	} {
		p, err := homeserver.New(shared.dendrite.URL, test.config)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if ada.client.HomeserverURL, err = mautrix.ParseAndNormalizeBaseURL(p.URL); err != nil {
			t.Fatal(err)
		}
		c, err := ada.OpenCall(t.Context(), CallConfig{Room: room})
		if err != nil {
			t.Fatal(err)
		}
		c.t.leaveDelay, c.t.restart = time.Hour, 20*time.Minute
		f := &follower{Call: c}
		f.begin(t, false)
		got := listed(t, ada, room)[ada.Device()]
		if c.Watched() != test.watched || got.Expires.Sub(got.Since).Round(time.Second) != test.expires {
			t.Errorf("%s: watched %v, for %v", test.name, c.Watched(), got.Expires.Sub(got.Since))
		}
		if wait := c.next(time.Now()); test.watched && (c.own.delay != maxDelay || wait > maxDelay/2) {
			t.Errorf("%s: a delay of %v, restarted after %v", test.name, c.own.delay, wait)
		}
		// Said again before it runs out, it is the same membership.
		c.own.step.Lock()
		c.own.look()
		err = c.extend(t.Context(), time.Now().Add(time.Hour))
		c.own.step.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		later := listed(t, ada, room)[ada.Device()]
		if !later.Expires.After(got.Expires.Add(30*time.Minute)) || later.Since.Sub(got.Since).Abs() > time.Minute {
			t.Errorf("%s: extended to %v after %v", test.name, later.Expires, later.Since)
		}
		if err := c.Leave(t.Context()); err != nil || len(listed(t, ada, room)) != 0 {
			t.Errorf("%s: could not leave: %v", test.name, err)
		}
	}
}
