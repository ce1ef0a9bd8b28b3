package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/testdata/sample"
)

const someService = "https://sfu.meet.test/jwt"

// quick are the times of tests, where nothing hangs on how long they are. A leave that waits
// comes by no clock: what keeps it from coming may be late on a busy machine.
var quick = timing{
	leaveDelay: time.Hour, restart: 300 * time.Millisecond, withDelay: 4 * time.Hour, withoutDelay: 10 * time.Minute,
	sticky: time.Hour, keyWait: time.Hour, resend: 100 * time.Millisecond, useKey: 100 * time.Millisecond, tick: 50 * time.Millisecond,
}

// callRoom makes an encrypted room in which everybody may be in the call, with
// those that are invited.
func callRoom(t *testing.T, by *Account, invited ...*Account) id.RoomID {
	t.Helper()
	return roomWith(t, by, true, map[string]int{rtc.StateMember.Type: 0}, invited...)
}

func roomWith(t *testing.T, by *Account, encrypted bool, power map[string]int, invited ...*Account) id.RoomID {
	t.Helper()
	req := &mautrix.ReqCreateRoom{Preset: "private_chat", PowerLevelOverride: &event.PowerLevelsEventContent{Users: map[id.UserID]int{by.User(): 100}, Events: power}}
	if encrypted {
		req.InitialState = []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}
	}
	for _, a := range invited {
		req.Invite = append(req.Invite, a.User())
	}
	r, err := by.client.CreateRoom(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return r.RoomID
}

// A follower is a call that runs, and what it told.
type follower struct {
	*Call
	mu     sync.Mutex
	events []CallEvent
	news   chan struct{}
	read   int
	end    func() error
}

// followCall opens a call and runs it until the test ends.
func followCall(t *testing.T, a *Account, conf CallConfig, change ...func(*Call)) *follower {
	t.Helper()
	f := &follower{news: make(chan struct{}, 1)}
	conf.OnEvent = f.on
	c, err := a.OpenCall(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	f.Call, c.t = c, quick
	for _, g := range change {
		g(c)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	f.end = sync.OnceValue(func() error {
		cancel()
		return <-ran
	})
	t.Cleanup(func() {
		if err := f.end(); !errors.Is(err, context.Canceled) && !errors.Is(err, ErrRemoved) {
			t.Errorf("Run ended by %v", err)
		}
	})
	return f
}

func (f *follower) on(e CallEvent) {
	f.mu.Lock()
	f.events = append(f.events, e)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// until waits for an event, and returns it. What came before it was heard.
func (f *follower) until(t *testing.T, what string, ok func(CallEvent) bool) CallEvent {
	t.Helper()
	ctx := sample.Context(t)
	for {
		f.mu.Lock()
		for f.read < len(f.events) {
			e := f.events[f.read]
			f.read++
			if ok(e) {
				f.mu.Unlock()
				return e
			}
		}
		f.mu.Unlock()
		select {
		case <-f.news:
		case <-ctx.Done():
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("%s was not told; heard %s", what, kinds(f.events))
		}
	}
}

func kinds(list []CallEvent) string {
	var out []string
	for _, e := range list {
		out = append(out, string(e.Kind)+" "+string(e.Caller.User)+" "+e.Reason)
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (f *follower) kind(t *testing.T, k CallEventKind, of *Account) CallEvent {
	t.Helper()
	return f.until(t, string(k)+" of "+string(of.User()), func(e CallEvent) bool { return e.Kind == k && e.Caller.User == of.User() })
}

// heard reports whether such an event was told so far.
func (f *follower) heard(ok func(CallEvent) bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.events, ok)
}

// begin makes a device the first member of a call, as no recorder is.
func (f *follower) begin(t *testing.T, stickily bool) {
	t.Helper()
	f.own.step.Lock()
	defer f.own.step.Unlock()
	err := f.enterAs(t.Context(), rtc.Announcement{User: f.a.state.User, Device: f.a.state.Device, Room: f.c.Room, ID: uuid(), Service: someService, Data: f.c.Data}, stickily)
	if err != nil {
		t.Fatal(err)
	}
}

// sendKey sends a media key as a member does who made a new one.
func sendKey(t *testing.T, from, to *Account, room id.RoomID, member string, index int, key []byte) {
	t.Helper()
	if member == "" {
		member = rtc.StateIdentity(from.User(), from.Device())
	}
	content := map[string]any{"keys": map[string]any{"index": index, "key": key}, "room_id": room,
		"member": map[string]any{"id": member, "claimed_device_id": from.Device()}, "sent_ts": time.Now().UnixMilli()}
	b, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	send(t, from, to, string(b))
}

// A recorder that is invited joins a call that somebody else began, gets their keys
// and gives its own, hears what people do, and leaves.
func TestCall(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	bot1 := followCall(t, bot, CallConfig{Room: room, Data: map[string]any{"role": "recorder"}})
	if err := bot1.Enter(t.Context()); !errors.Is(err, ErrNobody) {
		t.Errorf("into an empty call: %v, want ErrNobody", err)
	}
	if _, err := bot1.Token(t.Context(), someService); !errors.Is(err, ErrNotEntered) {
		t.Errorf("a token outside: %v, want ErrNotEntered", err)
	}
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, false)
	came := bot1.kind(t, Came, ada).Caller
	if want := rtc.StateIdentity(ada.User(), ada.Device()); came.Identities[0] != want || came.Device != ada.Device() || !slices.Equal(came.Services, []string{someService}) || came.Name == "" {
		t.Errorf("came %+v", came)
	}
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, identity, ok := bot1.Own(); !ok || m.Sticky || identity != rtc.StateIdentity(bot.User(), bot.Device()) || m.Services[0] != someService || !bot1.Watched() {
		t.Errorf("the recorder is in as %+v, %s", m, identity)
	}
	// Keys, both ways.
	key := bot1.kind(t, Keyed, ada)
	if _, want := ada1.Key(); !bytes.Equal(key.Key, want) || key.Index != 0 || key.Caller.Standing != Signed {
		t.Errorf("the key of Ada is %+v", key)
	}
	key = ada1.kind(t, Keyed, bot)
	_, first := bot1.Key()
	if !bytes.Equal(key.Key, first) {
		t.Errorf("the key of the recorder is %+v", key)
	}
	// Another key, also under an index that was used.
	sendKey(t, ada, bot, room, "", 7, bytes.Repeat([]byte{1}, 16)) // 1 is that of Ada's own next key
	if e := bot1.kind(t, Keyed, ada); e.Index != 7 || e.Key[0] != 1 {
		t.Errorf("the next key is %+v", e)
	}
	if err := ada1.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	bot1.kind(t, Left, ada)
	if got := bot1.Members(); len(got) != 0 {
		t.Errorf("in the call are %+v", got)
	}
	// Back, under the same identity and an index that was used, with a key that comes
	// first.
	sendKey(t, ada, bot, room, "", 7, bytes.Repeat([]byte{2}, 16))
	ada1.begin(t, false)
	bot1.kind(t, Came, ada)
	if e := bot1.until(t, "the new key", func(e CallEvent) bool { return e.Kind == Keyed && e.Key[0] == 2 }); e.Index != 7 {
		t.Errorf("the key of who came back is %+v", e)
	}
	// Who left had the recorder's key: it has another now, which she gets as one who is there.
	var second CallEvent
	eventually(t, "the recorder has another key", func() bool {
		return bot1.heard(func(e CallEvent) bool { second = e; return e.Kind == OwnKey })
	})
	eventually(t, "Ada has it, too", func() bool {
		return ada1.heard(func(e CallEvent) bool {
			return e.Kind == Keyed && e.Caller.User == bot.User() && e.Index == second.Index && bytes.Equal(e.Key, second.Key)
		})
	})
	if index, now := bot1.Key(); second.Index != 1 || index != 1 || !bytes.Equal(now, second.Key) || bytes.Equal(now, first) {
		t.Errorf("after Ada left, the key is %d, told as %d; the same as before: %v", index, second.Index, bytes.Equal(now, first))
	}
	if err := bot1.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	ada1.kind(t, Left, bot)
	if list, err := bot.client.DelayedEvents(t.Context(), &mautrix.ReqDelayedEvents{}); err != nil || len(list.Scheduled) != 0 {
		t.Errorf("after leaving, %v wait, %v", list, err)
	}
	if err := ada1.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
}
