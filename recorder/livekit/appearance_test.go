package livekit

import (
	"fmt"
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestHandRaised(t *testing.T) {
	for _, tt := range []struct {
		attributes map[string]string
		metadata   string
		want       bool
	}{
		{nil, "", false},
		{map[string]string{"handRaisedAt": "2026-01-02T03:04:05Z"}, "", true},
		{map[string]string{"handRaisedAt": ""}, "", false},
		{map[string]string{"raised_hand": "false"}, "", false},
		{map[string]string{"lk.hand-raised": "1"}, "", true},
		{map[string]string{"role": "raised"}, "", false},
		{map[string]string{strings.Repeat("hand", 1000): "1"}, "", false},
		{nil, `{"hand_raised":true,"invited_to_stage":false}`, true},
		{nil, `{"hand_raised":false}`, false},
		{nil, `{"raised":true}`, true},
		{nil, `{"handUp":"true"}`, true},
		{nil, `{"handRaised":{}}`, false},
		{nil, `{"handRaised":null}`, false},
		{nil, `["raised"]`, false},
		{nil, `raised`, false},
		{nil, `{"handRaised":true,"x":"` + strings.Repeat("x", maxMetadata) + `"}`, false},
	} {
		if got := handRaised(&lkproto.ParticipantInfo{Attributes: tt.attributes, Metadata: tt.metadata}); got != tt.want {
			t.Errorf("%v %.60s: %v", tt.attributes, tt.metadata, got)
		}
	}
}

// shows returns what can be accepted now, as "name ada Ada L. for Ada".
func (m *seam) shows() (all []string) {
	for {
		e, ok, _ := m.r.events.take()
		if !ok {
			return all
		}
		switch e.Type {
		case media.EventName:
			all = append(all, fmt.Sprintf("name %s %s for %s", e.Participant, e.Name, e.Text))
		case media.EventHand:
			all = append(all, fmt.Sprintf("hand %s %s", e.Participant, e.Reason))
		default:
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Type, e.Participant, e.Text)))
		}
	}
}

// Names, hands and the room's metadata are told when they change, in order with who
// comes and goes, and not told again where the recorder was away.
func TestLooks(t *testing.T) {
	m := newSeam(t)
	expect := func(want ...string) {
		t.Helper()
		if got := m.shows(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told of %q, want %q", got, want)
		}
	}
	ada := func(name string, hand bool) *lkproto.ParticipantInfo {
		p := here("ada", "PA_1", 1)
		p.Name = name
		if hand {
			p.Attributes = map[string]string{"handRaisedAt": "now"}
		}
		return p
	}
	describe := func(metadata string) {
		m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_RoomUpdate{RoomUpdate: &lkproto.RoomUpdate{Room: &lkproto.Room{Sid: "RM_1", Metadata: metadata}}}})
	}
	first := list("RM_1", ada("Ada", true))
	first.Room.Metadata = "agenda"
	m.s.listed(first)
	m.r.start(m.s)
	expect("join ada", "hand ada raised", "metadata  agenda")
	m.update(ada("Ada", true))
	describe("agenda")
	expect()
	m.update(ada("Ada L.", true))
	m.update(ada("Ada L.", false))
	describe("")
	expect("name ada Ada L. for Ada", "hand ada lowered", "metadata")
	m.update(here("bob", "PA_2", 2))
	m.update(ada("Ada L.", true))
	m.update(gone("ada", "PA_1", 1))
	expect("join bob", "hand ada raised", "leave ada")
	m.update(ada("Ada", true))
	expect("join ada", "hand ada raised")

	// Away, and back: what changed meanwhile is told, and nothing else.
	old := m.s
	m.s = newSeamSession(t, m.r)
	again := list("RM_1", ada("Ada", false), here("bob", "PA_2", 2))
	again.Room.Metadata = "agenda"
	m.s.listed(again)
	m.r.feed.Lock()
	m.s.mu.Lock()
	m.s.entered = true
	m.s.mu.Unlock()
	m.r.resumeList(old, m.s)
	m.r.feed.Unlock()
	expect("hand ada lowered", "metadata  agenda")

	// One who does it all the time is counted.
	for n := range 1000 {
		m.update(ada(fmt.Sprint("Ada ", n), n%2 == 0))
	}
	names, missed := 0, 0
	for {
		e, ok, _ := m.r.events.take()
		if !ok {
			break
		}
		if e.Type == media.EventDropped {
			missed += e.Count
		} else if e.Type == media.EventName || e.Type == media.EventHand {
			names++
		}
	}
	if names > memberWaits || names+missed < 1990 {
		t.Errorf("%d told, %d missed", names, missed)
	}
}
