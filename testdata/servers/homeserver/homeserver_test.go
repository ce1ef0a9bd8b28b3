package homeserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/homeserver"
)

var member = event.Type{Type: "org.matrix.msc3401.call.member", Class: event.StateEventType}

// start starts a homeserver behind a proxy.
func start(t *testing.T, c homeserver.Config) *homeserver.Proxy {
	t.Helper()
	sample.Live(t)
	d, err := servers.StartDendrite(t.Context(), func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Kill)
	p, err := homeserver.New(d.URL, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// register returns the client of a new user.
func register(t *testing.T, url, name string) *mautrix.Client {
	t.Helper()
	c, err := mautrix.NewClient(url, "", "")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.RegisterDummy(t.Context(), &mautrix.ReqRegister[any]{Username: name, Password: "a password of " + name})
	if err != nil {
		t.Fatal(err)
	}
	c.UserID, c.DeviceID, c.AccessToken = resp.UserID, resp.DeviceID, resp.AccessToken
	return c
}

// A user's eyes: what its /sync shows.
type eyes struct {
	c     *mautrix.Client
	since string
}

// until asks until f is content with an answer.
func (e *eyes) until(t *testing.T, f func(*mautrix.RespSync) bool) {
	t.Helper()
	for {
		resp, err := e.c.FullSyncRequest(t.Context(), mautrix.ReqSync{Timeout: 30000, Since: e.since})
		if err != nil {
			t.Fatal(err)
		}
		e.since = resp.NextBatch
		if f(resp) {
			return
		}
	}
}

// events returns what came in the room, state and timeline.
func events(resp *mautrix.RespSync, room id.RoomID) []*event.Event {
	if r := resp.Rooms.Join[room]; r != nil {
		return append(r.State.Events, r.Timeline.Events...)
	}
	return nil
}

// The room of two users, Ada and Bob.
func room(t *testing.T, p *homeserver.Proxy) (ada, bob *mautrix.Client, room id.RoomID) {
	t.Helper()
	ada, bob = register(t, p.URL, "ada"), register(t, p.URL, "bob")
	r, err := ada.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{bob.UserID},
		PowerLevelOverride: &event.PowerLevelsEventContent{StateDefaultPtr: new(int)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bob.JoinRoomByID(t.Context(), r.RoomID); err != nil {
		t.Fatal(err)
	}
	return ada, bob, r.RoomID
}

// Events that are delayed come when they are due, or asked for, and not when they
// are cancelled; only their owner sees them; sticky ones are marked.
func TestDelayedAndSticky(t *testing.T) {
	p := start(t, homeserver.Config{MaxDelay: time.Hour})
	ada, bob, room := room(t, p)
	v, err := ada.Versions(t.Context())
	if err != nil || !v.UnstableFeatures["org.matrix.msc4140"] || !v.UnstableFeatures["org.matrix.msc4354"] {
		t.Fatalf("the proxy does not say what it can: %v, %v", v, err)
	}
	key := "_" + string(ada.UserID) + "_" + string(ada.DeviceID) + "_m.call"
	send := func(content any, delay time.Duration) id.DelayID {
		t.Helper()
		resp, err := ada.SendStateEvent(t.Context(), room, member, key, content, mautrix.ReqSendEvent{UnstableDelay: delay})
		if err != nil {
			t.Fatal(err)
		}
		return resp.UnstableDelayID
	}
	do := func(d id.DelayID, a event.DelayAction) error {
		_, err := ada.UpdateDelayedEvent(t.Context(), &mautrix.ReqUpdateDelayedEvent{DelayID: d, Action: a})
		return err
	}
	waits := func(c *mautrix.Client) int {
		t.Helper()
		list, err := c.DelayedEvents(t.Context(), &mautrix.ReqDelayedEvents{})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Scheduled)
	}
	send(map[string]any{"n": 1}, 0)
	long := send(map[string]any{"n": 2}, time.Hour)
	cancelled := send(map[string]any{"n": 3}, time.Hour)
	if err := do(cancelled, event.DelayActionCancel); err != nil {
		t.Fatal(err)
	}
	if err := do(cancelled, event.DelayActionSend); !errors.Is(err, mautrix.MNotFound) {
		t.Errorf("an event that was cancelled can be sent: %v", err)
	}
	send(map[string]any{"n": 4}, 50*time.Millisecond)
	seen := &eyes{c: bob}
	var came []string
	wait := func(n string) {
		t.Helper()
		seen.until(t, func(resp *mautrix.RespSync) bool {
			done := false
			for _, e := range events(resp, room) {
				if e.Type.Type == member.Type {
					came = append(came, fmt.Sprint(e.Content.Raw["n"]))
					done = done || came[len(came)-1] == n
				}
			}
			return done
		})
	}
	wait("4")
	if got := waits(ada); got != 1 || p.Delayed() != 1 {
		t.Errorf("%d delayed events are left, and %d at the proxy, want 1", got, p.Delayed())
	}
	if got := waits(bob); got != 0 {
		t.Errorf("Bob sees %d delayed events of Ada's", got)
	}
	if err := do(long, event.DelayActionRestart); err != nil {
		t.Error(err)
	}
	if err := do(long, event.DelayActionSend); err != nil {
		t.Error(err)
	}
	wait("2")
	if strings.Contains(strings.Join(came, " "), "3") {
		t.Error("a cancelled event came")
	}
	if err := do(long, event.DelayActionRestart); !errors.Is(err, mautrix.MNotFound) {
		t.Errorf("an event that was sent: %v, want M_NOT_FOUND", err)
	}
	if _, err := ada.SendStateEvent(t.Context(), room, member, key, struct{}{}, mautrix.ReqSendEvent{UnstableDelay: 2 * time.Hour}); err == nil {
		t.Error("a delay above the longest was taken")
	}

	sticky := event.Type{Type: "org.matrix.msc4143.rtc.member", Class: event.MessageEventType}
	if _, err := ada.SendMessageEvent(t.Context(), room, sticky, map[string]any{"slot_id": "m.call#ROOM"}, mautrix.ReqSendEvent{UnstableStickyDuration: time.Hour}); err != nil {
		t.Fatal(err)
	}
	seen.until(t, func(resp *mautrix.RespSync) bool {
		for _, e := range events(resp, room) {
			if e.Type.Type == sticky.Type {
				if e.Sticky == nil || e.Sticky.GetDuration() != time.Hour {
					t.Errorf("the sticky event is marked %+v", e.Sticky)
				}
				return true
			}
		}
		return false
	})
}

// A plain proxy is the homeserver alone: a delayed event is sent at once.
func TestPlain(t *testing.T) {
	p := start(t, homeserver.Config{Plain: true})
	ada, _, room := room(t, p)
	v, err := ada.Versions(t.Context())
	if err != nil || v.UnstableFeatures["org.matrix.msc4140"] {
		t.Fatalf("a plain proxy has delayed events: %v", err)
	}
	resp, err := ada.SendStateEvent(t.Context(), room, member, "", map[string]any{"n": 1}, mautrix.ReqSendEvent{UnstableDelay: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if resp.EventID == "" || resp.UnstableDelayID != "" {
		t.Errorf("got %+v, want an event", resp)
	}
}

// A hostile homeserver shows what nobody made, and hides what was.
func TestHostile(t *testing.T) {
	p := start(t, homeserver.Config{})
	ada, bob, room := room(t, p)
	seen := &eyes{c: bob}
	seen.until(t, func(*mautrix.RespSync) bool { return true })

	p.AddDevice(string(ada.UserID), "GHOST", json.RawMessage(`{"device_id":"GHOST"}`), string(bob.UserID))
	p.SwapKeys(string(ada.UserID), map[string]json.RawMessage{"master_keys": json.RawMessage(`{"usage":["master"]}`)}, string(bob.UserID))
	seen.until(t, func(resp *mautrix.RespSync) bool {
		for _, user := range resp.DeviceLists.Changed {
			if user == ada.UserID {
				return true
			}
		}
		return false
	})
	query := func(c *mautrix.Client) string {
		t.Helper()
		return call(t, c, http.MethodPost, "/_matrix/client/v3/keys/query", `{"device_keys":{"`+string(ada.UserID)+`":[]}}`)
	}
	if got := query(bob); !strings.Contains(got, "GHOST") || !strings.Contains(got, "master") {
		t.Errorf("Bob is shown %s", got)
	}
	if got := query(ada); strings.Contains(got, `"usage"`) {
		t.Errorf("Ada sees that her key was swapped: %s", got)
	}

	// To-device events: one is lost, one comes twice.
	kind := event.Type{Type: "test.word", Class: event.ToDeviceEventType}
	say := func(n int) {
		t.Helper()
		if _, err := ada.SendToDevice(t.Context(), kind, &mautrix.ReqSendToDevice{Messages: map[id.UserID]map[id.DeviceID]*event.Content{
			bob.UserID: {bob.DeviceID: {Raw: map[string]any{"n": n}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	dropped := 0
	p.DropToDevice(func(to string, e map[string]any) bool {
		mu.Lock()
		defer mu.Unlock()
		content, _ := e["content"].(map[string]any)
		if to == string(bob.UserID) && fmt.Sprint(content["n"]) == "1" {
			dropped++
			return true
		}
		return false
	})
	say(1)
	say(2)
	var got []string
	word := func(want int) {
		t.Helper()
		seen.until(t, func(resp *mautrix.RespSync) bool {
			for _, e := range resp.ToDevice.Events {
				got = append(got, fmt.Sprint(e.Content.Raw["n"]))
			}
			return len(got) >= want
		})
	}
	word(1)
	p.Replay(string(bob.UserID))
	word(2)
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(got, " ") != "2 2" || dropped != 1 {
		t.Errorf("Bob got the words %v, and %d were dropped; want 2 twice, and 1 dropped", got, dropped)
	}

	// A member who leaves stays listed.
	key := "_" + string(ada.UserID) + "_" + string(ada.DeviceID) + "_m.call"
	p.KeepListed(member.Type, key)
	for _, content := range []any{map[string]any{"application": "m.call"}, struct{}{}, map[string]any{"application": "again"}} {
		if _, err := ada.SendStateEvent(t.Context(), room, member, key, content); err != nil {
			t.Fatal(err)
		}
	}
	var apps []string
	seen.until(t, func(resp *mautrix.RespSync) bool {
		for _, e := range events(resp, room) {
			if e.Type.Type == member.Type {
				apps = append(apps, fmt.Sprint(e.Content.Raw["application"]))
			}
		}
		return len(apps) > 0 && apps[len(apps)-1] == "again"
	})
	if strings.Join(apps, " ") != "m.call again" {
		t.Errorf("Bob sees %v, want no leave", apps)
	}
}

// call makes a request as curl would.
func call(t *testing.T, c *mautrix.Client, method, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, c.HomeserverURL.String()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.AccessToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, b, err)
	}
	return string(b)
}

// Nothing is asked of the homeserver any more once Close has returned, and what was asked before is
// answered: a client that went away does not interrupt it.
func TestClose(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	var answered, interrupted atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-release
		interrupted.Store(r.Context().Err() != nil)
		answered.Store(true)
	}))
	defer s.Close()
	p, err := homeserver.New(s.URL, homeserver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var client sync.WaitGroup
	client.Go(func() {
		defer close(release)
		if resp, err := http.Get(p.URL + "/_matrix/client/v3/sync"); err == nil {
			resp.Body.Close()
			t.Error("a client has an answer from a proxy that is closed")
		}
	})
	<-asked
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if !answered.Load() || interrupted.Load() {
		t.Errorf("after Close, the homeserver has answered: %t, was interrupted: %t", answered.Load(), interrupted.Load())
	}
	client.Wait()
}
