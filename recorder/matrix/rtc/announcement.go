package rtc

import (
	"time"

	"maunium.net/go/mautrix/id"
)

// An Announcement is what this device says of itself as a member of a call.
type Announcement struct {
	User    id.UserID
	Device  id.DeviceID
	Room    id.RoomID
	ID      string         // of the member, made anew each time that it joins
	Service string         // the token service, one that another member names
	Since   time.Time      // when it was first said; zero the first time
	Expires time.Duration  // after Since
	Oldest  bool           // as in Member
	Bare    bool           // the room's version wants the user first in the state key
	Data    map[string]any // of ours: dev.sealtape.recorder
}

// StateKey is that of this device's membership by a state event.
func (a Announcement) StateKey() string {
	key := string(a.User) + "_" + string(a.Device) + "_m.call"
	if a.Bare {
		return key
	}
	return "_" + key
}

// StateContent is that of a membership by a state event; {} leaves.
func (a Announcement) StateContent() map[string]any {
	selection := "multi_sfu"
	if a.Oldest {
		selection = "oldest_membership"
	}
	c := map[string]any{
		"application": "m.call", "call_id": "", "scope": "m.room", "device_id": a.Device,
		"membershipID": string(a.User) + ":" + string(a.Device), "expires": a.Expires.Milliseconds(),
		"focus_active":   map[string]string{"type": "livekit", "focus_selection": selection},
		"foci_preferred": []any{map[string]any{"type": "livekit", "livekit_service_url": a.Service, "livekit_alias": a.Room}},
	}
	if !a.Since.IsZero() { // extended
		c["created_ts"] = a.Since.UnixMilli()
	}
	if a.Data != nil {
		c["dev.sealtape.recorder"] = a.Data
	}
	return c
}

// StickyContent is that of a membership by a sticky event, with the fields of both
// forms that are in use.
func (a Announcement) StickyContent() map[string]any {
	app := map[string]any{"type": "m.call"}
	if a.Data != nil {
		app["dev.sealtape.recorder"] = a.Data
	}
	transports := []any{map[string]any{"type": "livekit", "livekit_service_url": a.Service}}
	return map[string]any{
		"slot_id": Slot, "application": app, "msc4354_sticky_key": a.ID,
		"member":     map[string]any{"id": a.ID, "user_id": a.User, "device_id": a.Device},
		"transports": map[string]any{"published": transports, "can_subscribe": []string{"livekit"}}, "rtc_transports": transports,
		"versions": []string{},
	}
}

// StickyLeave is what ends a membership by a sticky event.
func (a Announcement) StickyLeave() map[string]any {
	return map[string]any{"slot_id": Slot, "msc4354_sticky_key": a.ID}
}
