package matrix

import (
	"context"
	"errors"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/testdata/servers/homeserver"
)

// A member is seen, is taken off the list when it leaves or is not heard of, and
// takes back what an earlier life left.
func TestPresence(t *testing.T) {
	ada, _, _, _ := logIn(t)
	r, err := ada.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat"})
	if err != nil {
		t.Fatal(err)
	}
	// members returns who is in the call.
	members := func() map[id.DeviceID]Member {
		t.Helper()
		state, err := ada.client.State(t.Context(), r.RoomID)
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[id.DeviceID]Member)
		for _, e := range state[stateMember] {
			if m, left, err := readMember(e); err == nil && !left {
				out[m.Device] = m
			}
		}
		return out
	}
	gone := announcement{user: ada.User(), device: "GONE", room: r.RoomID, service: "https://x", expires: withDelay}
	if _, err := ada.client.SendStateEvent(t.Context(), r.RoomID, stateMember, gone.stateKey(), gone.stateContent()); err != nil {
		t.Fatal(err)
	}
	const service = "https://sfu.meet.test/jwt"
	waiting := shared.proxy.Delayed()
	p, err := ada.Join(t.Context(), r.RoomID, service, map[string]any{"role": "recorder"})
	if err != nil {
		t.Fatal(err)
	}
	if got := members(); len(got) != 1 || len(got[ada.Device()].Services) != 1 || got[ada.Device()].Services[0] != service || !p.Watched() {
		t.Errorf("in the call are %+v", got)
	}
	// Another life: the leave of the first one is cancelled.
	if p, err = ada.Join(t.Context(), r.RoomID, service, nil); err != nil {
		t.Fatal(err)
	}
	if got := shared.proxy.Delayed() - waiting; got != 1 || len(members()) != 1 {
		t.Errorf("%d leaves wait, and %d are in the call", got, len(members()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error)
	go func() { kept <- p.Keep(ctx) }()
	// What the homeserver ended begins anew.
	if _, err := ada.client.UpdateDelayedEvent(t.Context(), &mautrix.ReqUpdateDelayedEvent{DelayID: p.delayed, Action: event.DelayActionSend}); err != nil {
		t.Fatal(err)
	}
	for len(members()) == 0 {
	}
	cancel()
	if err := <-kept; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := p.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := shared.proxy.Delayed() - waiting; got != 0 || len(members()) != 0 {
		t.Errorf("after leaving, %d leaves wait, and %d are in the call", got, len(members()))
	}

	// Without delayed events nothing is sent that would be one at once.
	plain, err := homeserver.New(shared.dendrite.URL, homeserver.Config{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if ada.client.HomeserverURL, err = mautrix.ParseAndNormalizeBaseURL(plain.URL); err != nil {
		t.Fatal(err)
	}
	if p, err = ada.Join(t.Context(), r.RoomID, service, nil); err != nil {
		t.Fatal(err)
	}
	if got := members()[ada.Device()]; p.Watched() || got.Expires.Sub(got.Since) != withoutDelay {
		t.Errorf("without delayed events: %+v", got)
	}
	if err := p.Leave(t.Context()); err != nil || len(members()) != 0 {
		t.Errorf("could not leave: %v", err)
	}
}
