package egress

import (
	"context"
	"maps"
	"slices"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/webhook"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// Run follows what was started until ctx ends, and returns its error.
func (f *Front) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		seen, err := f.look(ctx)
		if err != nil {
			if ctx.Err() == nil {
				f.c.Log.Warn("recordings could not be followed", "err", err)
			}
			continue
		}
		f.follow(ctx, seen, true)
	}
}

// look returns how the rooms are of what is not over.
func (f *Front) look(ctx context.Context) ([]watch.Seen, error) {
	names := f.followed()
	if len(names) == 0 {
		return nil, nil
	}
	return watch.Survey(ctx, f.c.Server, f.c.Agent, f.c.Policies(), names...)
}

// followed are the rooms of what is not over.
func (f *Front) followed() (rooms []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(time.Now())
	for _, k := range f.known {
		if !over(k.info.Status) && !slices.Contains(rooms, k.id.room) {
			rooms = append(rooms, k.id.room)
		}
	}
	return rooms
}

// follow takes in how rooms are. whole says that a room that is not in seen is closed.
func (f *Front) follow(ctx context.Context, seen []watch.Seen, whole bool) {
	now := time.Now()
	rooms := make(map[string]watch.Seen, len(seen))
	for _, s := range seen {
		rooms[s.Name] = s
	}
	type stay struct{ room, identity string }
	var stays []stay
	var events []*lkproto.WebhookEvent
	f.mu.Lock()
	for _, k := range f.known {
		s, here := rooms[k.id.room]
		if over(k.info.Status) || !here && !whole {
			continue
		}
		if !here || s.SID != k.id.sid {
			f.end(k, now)
		} else {
			f.update(k, s, now)
		}
		// The recording's ID comes a moment after its beginning.
		if !k.told && k.info.Status == lkproto.EgressStatus_EGRESS_ACTIVE && (k.info.FileResults[0].Location != "" || now.UnixNano()-k.info.StartedAt > int64(nameIn)) {
			k.told = true
			events = append(events, event(webhook.EventEgressStarted, k))
		}
		if over(k.info.Status) {
			events = append(events, event(webhook.EventEgressEnded, k))
		} else if !k.stopped.IsZero() && now.Sub(k.stopped) > removeIn {
			for _, r := range s.Recorders {
				if !k.leaveOut[r.Identity] {
					k.leaveOut[r.Identity] = true
					stays = append(stays, stay{s.Name, r.Identity})
				}
			}
		}
	}
	f.mu.Unlock()
	for _, e := range events {
		f.c.Tell(ctx, e)
	}
	for _, s := range stays {
		// Its job is not linked to its dispatch any more, so the server did not end it. It ends
		// its recording properly when it is thrown out.
		if err := f.c.Server.Remove(ctx, s.room, s.identity); err != nil {
			f.c.Log.Warn("a recorder that was to stop is still there", "err", err)
		}
	}
}

func event(name string, k *known) *lkproto.WebhookEvent {
	return &lkproto.WebhookEvent{Event: name, EgressInfo: clone(k.info)}
}

// update takes in how the room of an egress is. The caller holds f.mu.
func (f *Front) update(k *known, s watch.Seen, now time.Time) {
	before := k.info.Status
	file := k.info.FileResults[0]
	for _, r := range s.Recorders {
		if r.Recording != "" {
			file.Filename, file.Location = "sealtape:"+r.Recording, "sealtape:"+r.Recording
		}
		if (r.State == "recording" || r.State == "paused") && k.info.Status == lkproto.EgressStatus_EGRESS_STARTING {
			k.info.Status = lkproto.EgressStatus_EGRESS_ACTIVE
			k.info.StartedAt, file.StartedAt = now.UnixNano(), now.UnixNano()
		}
	}
	done := !k.stopped.IsZero() || s.Off || s.Policy == nil && !live(s) && s.People > 0 && now.Sub(k.begun) > listedIn
	if len(s.Recorders) == 0 && done {
		f.end(k, now)
	}
	if k.info.Status != before {
		k.info.UpdatedAt = now.UnixNano()
	}
}

// end notes that an egress is over. The caller holds f.mu.
func (f *Front) end(k *known, now time.Time) {
	file := k.info.FileResults[0]
	k.info.EndedAt, k.info.UpdatedAt = now.UnixNano(), now.UnixNano()
	if file.StartedAt == 0 {
		k.info.Status, k.info.Error = lkproto.EgressStatus_EGRESS_ABORTED, "nobody recorded"
		return
	}
	k.info.Status = lkproto.EgressStatus_EGRESS_COMPLETE
	file.EndedAt, file.Duration = now.UnixNano(), now.UnixNano()-file.StartedAt
}

// live reports whether somebody records a room, or was sent for and is not done.
func live(s watch.Seen) bool { return len(s.Recorders) > 0 || !s.Off && current(s) != nil }

// current returns the newest dispatch of a room that is not done, nil if there is none.
func current(s watch.Seen) *watch.Dispatch {
	for i := len(s.Dispatches) - 1; i >= 0; i-- {
		if d := &s.Dispatches[i]; d.Policy != "" && !d.Done() {
			return d
		}
	}
	return nil
}

// running returns what is remembered of the egress of a room that is not over, nil if there
// is none.
func (f *Front) running(s watch.Seen) *known {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.known {
		if k.id.room == s.Name && k.id.sid == s.SID && !over(k.info.Status) && k.stopped.IsZero() {
			return k
		}
	}
	return nil
}

func (f *Front) find(i id) *known {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[i.String()]
}

// remember notes an egress that was begun by another Front, or by an earlier one.
func (f *Front) remember(i id, s watch.Seen) *known {
	f.mu.Lock()
	defer f.mu.Unlock()
	if k := f.known[i.String()]; k != nil {
		return k
	}
	k := &known{id: i, told: true, leaveOut: make(map[string]bool)}
	k.info = &lkproto.EgressInfo{EgressId: i.String(), RoomId: i.sid, RoomName: i.room, Status: lkproto.EgressStatus_EGRESS_STARTING,
		SourceType: lkproto.EgressSourceType_EGRESS_SOURCE_TYPE_SDK, StartedAt: s.Made.UnixNano(), Details: details(nil), FileResults: []*lkproto.FileInfo{{}}}
	if d := current(s); d != nil && !d.Made.IsZero() {
		k.info.StartedAt = d.Made.UnixNano()
	}
	if len(f.known) < maxKnown {
		f.known[i.String()] = k
	}
	f.update(k, s, time.Now())
	return k
}

// info returns what is known of an egress.
func (f *Front) info(k *known) *lkproto.EgressInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return clone(k.info)
}

// forget drops what has ended long ago. The caller holds f.mu.
func (f *Front) forget(now time.Time) {
	maps.DeleteFunc(f.known, func(_ string, k *known) bool {
		return over(k.info.Status) && now.Sub(time.Unix(0, k.info.EndedAt)) > endedFor
	})
}

func over(s lkproto.EgressStatus) bool { return s >= lkproto.EgressStatus_EGRESS_COMPLETE }

func clone(i *lkproto.EgressInfo) *lkproto.EgressInfo { return proto.Clone(i).(*lkproto.EgressInfo) }

// sorted returns them, the newest first.
func sorted(all map[string]*known) []*known {
	return slices.SortedFunc(maps.Values(all), func(a, b *known) int {
		return int(max(-1, min(1, b.info.StartedAt-a.info.StartedAt)))
	})
}
