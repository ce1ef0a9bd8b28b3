package matrix

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// stickyEvent is a membership of Ada's with that content.
func stickyEvent(content string) *event.Event {
	e := &event.Event{Type: rtc.StickyMember, Sender: "@ada:meet.test", Content: event.Content{VeryRaw: json.RawMessage(content)}, Sticky: new(event.Sticky)}
	e.Sticky.Duration.Duration = time.Hour
	return e
}

// Sticky events stay for the next life, as long as they stick, and nobody's push
// out another's.
func TestSticky(t *testing.T) {
	now := time.Now()
	sticky := func(n int, user string, age time.Duration) *event.Event {
		e := stickyEvent(fmt.Sprintf(`{"slot_id":"m.call#ROOM","msc4354_sticky_key":"M%d","application":{"type":"m.call"},"member":{"id":"M%d","device_id":"D%d"}}`, n, n, n))
		e.ID, e.Sender, e.Timestamp = id.EventID(fmt.Sprint("$", n)), id.UserID(user), now.Add(-age).UnixMilli()
		return e
	}
	s, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	s.User, s.Device, s.Homeserver = "@bot:meet.test", "BOT", "https://meet.test"
	a := &Account{state: s, log: logger()}
	loose := sticky(3, "@ada:meet.test", 0)
	loose.Sticky = nil
	resp := &mautrix.RespSync{}
	resp.Rooms.Join = map[id.RoomID]*mautrix.SyncJoinedRoom{"!r:meet.test": {
		Sticky:   mautrix.SyncEventsList{Events: []*event.Event{sticky(1, "@ada:meet.test", time.Minute), sticky(2, "@ada:meet.test", 2*time.Hour)}},
		Timeline: mautrix.SyncTimeline{SyncEventsList: mautrix.SyncEventsList{Events: []*event.Event{loose, sticky(4, "@bob:meet.test", 0), sticky(1, "@ada:meet.test", time.Minute)}}},
	}}
	batch, _ := a.take(t.Context(), resp)
	if len(batch.Rooms) != 1 || len(batch.Rooms[0].Timeline) != 5 {
		t.Errorf("handed on are %+v", batch.Rooms)
	}
	kept := func(a *Account) string {
		var out string
		for _, e := range a.sticky("!r:meet.test") {
			out += string(e.ID)
			if m, left, err := rtc.ReadMember(e.Event); err != nil || left || m.User != e.Sender || m.Expires.Before(now) {
				t.Errorf("kept is %+v, %v", m, err)
			}
		}
		return out
	}
	if got := kept(a); got != "$1$4" {
		t.Errorf("kept are %s", got)
	}
	b, err := s.marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseState(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := kept(&Account{state: again, log: logger()}); got != "$1$4" {
		t.Errorf("in the next life are kept %s", got)
	}
	var flood []*event.Event
	for i := range 3 * maxStuckUser {
		flood = append(flood, sticky(100+i, "@eve:meet.test", 0))
	}
	big := sticky(5, "@bob:meet.test", 0)
	big.Content.VeryRaw = json.RawMessage(`"` + string(make([]byte, maxStuckBytes)) + `"`)
	s.stick("!r:meet.test", append(flood, big))
	count := make(map[id.UserID]int)
	for _, e := range s.Sticky["!r:meet.test"] {
		count[e.Sender]++
	}
	if count["@ada:meet.test"] != 1 || count["@bob:meet.test"] != 1 || count["@eve:meet.test"] != maxStuckUser {
		t.Errorf("after a flood are kept %v", count)
	}
}

// Whoever sends much takes no room from others, and a clear key is no key.
func TestInbox(t *testing.T) {
	s, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	a := &Account{state: s, log: logger()}
	s.put(Message{Sender: "@ada:meet.test", Encrypted: true, Content: json.RawMessage(`{}`)})
	for range maxInbox {
		a.toDevice(&event.Event{Sender: "@eve:meet.test", Type: event.Type{Type: rtc.KeysType, Class: event.ToDeviceEventType}, Content: event.Content{VeryRaw: json.RawMessage(`{"keys":{"key":"x"}}`)}}, nil)
	}
	if len(s.Inbox) != 1+maxOfSender || s.Inbox[0].Sender != "@ada:meet.test" || string(s.Inbox[1].Content) != `{}` || s.Inbox[1].Encrypted {
		t.Errorf("%d wait, the first of %s", len(s.Inbox), s.Inbox[0].Sender)
	}
}
