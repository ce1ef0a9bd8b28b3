package matrix

import (
	"testing"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A homeserver may show an event before it answers the request that sent it, also when the
// membership is said once more. Whatever order they come in, the event is seen, and what
// came after it in the room ends the membership, and what came before does not.
func TestPresenceSees(t *testing.T) {
	said := rtc.Announcement{User: "@bot:x", Device: "D"}
	came := func(id id.EventID) ownEvent { return ownEvent{id: id, key: said.StateKey()} }
	left := ownEvent{id: "$left", key: said.StateKey(), left: true}
	for _, tt := range []struct {
		name       string
		steps      []any // an event that comes, or the ID of one that was sent, as it is answered
		seen, lost bool
	}{
		{"said and seen", []any{id.EventID("$1"), came("$1")}, true, false},
		{"seen first", []any{came("$1"), id.EventID("$1")}, true, false},
		{"said anew", []any{id.EventID("$1"), came("$1"), id.EventID("$2")}, false, false},
		{"said anew, and seen first", []any{id.EventID("$1"), came("$1"), came("$2"), id.EventID("$2")}, true, false},
		{"lost", []any{id.EventID("$1"), came("$1"), left}, true, true},
		{"lost before it is seen", []any{id.EventID("$1"), left}, false, false},
		{"what was before is over", []any{left, came("$1"), id.EventID("$1")}, true, false},
		{"lost and said anew", []any{id.EventID("$1"), came("$1"), left, id.EventID("$2"), came("$2")}, true, false},
		{"lost and said anew, and seen first", []any{id.EventID("$1"), came("$1"), left, came("$2"), id.EventID("$2")}, true, false},
		{"lost again before the answer", []any{id.EventID("$1"), came("$1"), came("$2"), left, id.EventID("$2")}, true, true},
		{"another device left", []any{id.EventID("$1"), came("$1"), ownEvent{id: "$x", key: "another", left: true}}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := presence{again: make(chan struct{}, 1), said: said}
			for _, step := range tt.steps {
				switch step := step.(type) {
				case id.EventID:
					p.is(step)
				case ownEvent:
					p.saw(step)
				}
			}
			if p.seen != tt.seen || p.lost != tt.lost {
				t.Errorf("seen %v, lost %v", p.seen, p.lost)
			}
		})
	}
}

// The state of the room is newer than what came before it was read.
func TestPresenceLoaded(t *testing.T) {
	for _, now := range []bool{true, false} {
		p := presence{again: make(chan struct{}, 1), said: rtc.Announcement{User: "@bot:x", Device: "D"}}
		left := ownEvent{id: "$left", key: p.said.StateKey(), left: true}
		p.is("$1")
		p.saw(left) // of an earlier life
		p.loaded("$1", now)
		p.saw(ownEvent{id: "$other", key: "other"})
		if !p.seen || p.lost == now {
			t.Errorf("seen %v, lost %v, and it is there: %v", p.seen, p.lost, now)
		}
		if p.saw(left); !p.lost {
			t.Error("what came later does not end it")
		}
	}
}
