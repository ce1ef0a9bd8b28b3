package matrix

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// Bounds of the sticky events that are kept.
const (
	maxStuckRooms = 100
	maxStuck      = 500 // of a room
	maxStuckUser  = 20  // of a user there
	maxStuckBytes = 32 << 10
	maxStuckRoom  = 512 << 10 // bytes of a room
	maxStuckAll   = 4 << 20
	maxAhead      = 10 * time.Minute // that a homeserver's clock may be
)

// A stuck is a sticky event (MSC4354) as it came. The homeserver delivers it once,
// and it counts until it runs out: for this process and for the next.
type stuck struct {
	ID      id.EventID
	Sender  id.UserID
	Type    string
	Time    int64 // milliseconds, by the homeserver's clock
	For     int64 // milliseconds
	Content json.RawMessage
}

func (s stuck) event() *event.Event {
	e := &event.Event{ID: s.ID, Sender: s.Sender, Type: event.Type{Type: s.Type, Class: event.MessageEventType}, Timestamp: s.Time, Sticky: new(event.Sticky)}
	e.Content.VeryRaw = s.Content
	if json.Unmarshal(s.Content, &e.Content.Raw) != nil {
		return nil
	}
	e.Sticky.Duration.Duration = time.Duration(s.For) * time.Millisecond
	return e
}

// stick keeps the sticky events of a room that may be memberships.
func (s *state) stick(room id.RoomID, lists ...[]*event.Event) {
	now := time.Now()
	kept := s.Sticky[room]
	for _, list := range lists {
		for _, e := range list {
			if e == nil || e.StateKey != nil || !now.Before(e.GetStickyUntil()) || e.Timestamp > now.Add(maxAhead).UnixMilli() || len(e.Content.VeryRaw) > maxStuckBytes || len(e.ID) > maxName || len(e.Sender) > maxName ||
				e.Type.Type != event.EventEncrypted.Type && e.Type.Type != rtc.StickyMember.Type || slices.ContainsFunc(kept, func(o stuck) bool { return o.ID == e.ID }) {
				continue
			}
			kept = append(kept, stuck{ID: e.ID, Sender: e.Sender, Type: e.Type.Type, Time: e.Timestamp, For: e.Sticky.GetDuration().Milliseconds(), Content: slices.Clone(e.Content.VeryRaw)})
		}
	}
	count := make(map[id.UserID]int)
	for _, o := range kept {
		count[o.Sender]++
	}
	kept = slices.DeleteFunc(kept, func(o stuck) bool {
		old := now.UnixMilli() >= o.Time+o.For || count[o.Sender] > maxStuckUser
		if old {
			count[o.Sender]--
		}
		return old
	})
	budget := maxStuckAll
	for other, list := range s.Sticky {
		if other != room {
			budget -= bytesOf(list)
		}
	}
	budget = min(budget, maxStuckRoom)
	for size := bytesOf(kept); size > budget && len(kept) > 0; kept = kept[1:] {
		size -= len(kept[0].Content)
	}
	if len(kept) == 0 {
		delete(s.Sticky, room)
	} else if _, known := s.Sticky[room]; known || len(s.Sticky) < maxStuckRooms {
		s.Sticky[room] = last(kept, maxStuck)
	}
}

func bytesOf(list []stuck) (n int) {
	for _, o := range list {
		n += len(o.Content)
	}
	return n
}

// sticky returns the sticky events of a room that came and have not run out, as far
// as they can be decrypted by now.
func (a *Account) sticky(room id.RoomID) []RoomEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	var events []*event.Event
	for _, s := range a.state.Sticky[room] {
		if e := s.event(); e != nil {
			events = append(events, e)
		}
	}
	return a.timeline(context.Background(), room, events)
}

// reread tries once more to decrypt an event.
func (a *Account) reread(room id.RoomID, e *event.Event) RoomEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.timeline(context.Background(), room, []*event.Event{e})[0]
}
