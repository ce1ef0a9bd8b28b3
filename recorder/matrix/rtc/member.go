package rtc

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// The events by which a user's device is a member of a room's call. State events
// (MSC3401, MSC4143 before 2025) have a state key for each device; sticky events
// (MSC4143 with MSC4354) have a key for each time that somebody joins.
var (
	StateMember  = event.Type{Type: "org.matrix.msc3401.call.member", Class: event.StateEventType}
	StickyMember = event.Type{Type: "org.matrix.msc4143.rtc.member", Class: event.MessageEventType}
)

// Slot is the one call that a room has, as members name it.
const Slot = "m.call#ROOM"

// MaxServices is how many token services a member may name; more are left out.
const MaxServices = 8

// Bounds of what else a membership may say.
const (
	maxMembership = 16 << 10 // bytes of content
	maxName       = 255      // bytes of an ID
	maxExpiry     = 14 * 24 * time.Hour
	defaultExpiry = 4 * time.Hour // where a state event does not say
)

// A Member is what an event says of a member of a call. Nobody but the homeserver
// says so: that the device takes part is proved by a key that comes from it.
type Member struct {
	User   id.UserID
	Device id.DeviceID
	// Key is the same in all events of one membership: the state key, or the sticky
	// key, which is also the member's ID.
	Key     string
	ID      string // the member's own, by which it may be known to LiveKit: Key of a sticky one
	Sticky  bool
	Since   time.Time // by the homeserver's clock; another time means another join
	Expires time.Time // when the membership ends by itself
	// Oldest says that all publish where the oldest member does; else each has a
	// service of its own.
	Oldest   bool
	Services []string // URLs of token services of LiveKit, the first is the one in use
}

// ReadMember reads an event of either kind. left is true if it says that the
// membership of that key is over. An event that is neither has an error; who sent
// it is no member.
func ReadMember(e *event.Event) (m Member, left bool, err error) {
	raw := e.Content.VeryRaw
	if len(raw) > maxMembership || len(e.Sender) > maxName {
		return Member{}, false, fmt.Errorf("a membership of %d bytes", len(raw))
	}
	switch {
	case e.Type.Type == StateMember.Type && e.StateKey != nil:
		return readStateMember(e, raw)
	case e.Type.Type == StickyMember.Type && e.StateKey == nil:
		return readStickyMember(e, raw)
	}
	return Member{}, false, fmt.Errorf("the event is no membership")
}

// A transport is a way that media goes.
type transport struct {
	Type    string `json:"type"`
	Service string `json:"livekit_service_url"`
}

// Service returns the URL of a token service as memberships have it, or "" if it is none.
func Service(url string) string {
	if list := services([]transport{{"livekit", url}}); len(list) == 1 {
		return list[0]
	}
	return ""
}

// services returns the token services among transports, in order.
func services(list []transport) []string {
	var out []string
	for _, t := range list {
		u, err := url.Parse(t.Service)
		if t.Type != "livekit" || err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || len(t.Service) > 2000 {
			continue
		}
		if len(out) < MaxServices {
			out = append(out, strings.TrimRight(t.Service, "/"))
		}
	}
	return out
}

func readStateMember(e *event.Event, raw json.RawMessage) (m Member, left bool, err error) {
	var c struct {
		Application string      `json:"application"`
		CallID      *string     `json:"call_id"`
		Scope       string      `json:"scope"`
		Device      id.DeviceID `json:"device_id"`
		ID          string      `json:"membershipID"`
		Expires     json.Number `json:"expires"`
		Created     json.Number `json:"created_ts"`
		Active      struct {
			Type      string `json:"type"`
			Selection string `json:"focus_selection"`
		} `json:"focus_active"`
		Preferred []transport `json:"foci_preferred"`
	}
	m = Member{User: e.Sender, Key: *e.StateKey}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(m.Key) > 3*maxName {
		return Member{}, false, fmt.Errorf("the membership is no object")
	}
	// The homeserver lets users set only keys that begin with their name.
	if own := strings.TrimPrefix(m.Key, "_"); own != string(e.Sender) && !strings.HasPrefix(own, string(e.Sender)+"_") {
		return Member{}, false, fmt.Errorf("the membership is another user's")
	}
	if len(fields) == 0 {
		return m, true, nil
	}
	if json.Unmarshal(raw, &c) != nil || c.Application != "m.call" || c.CallID == nil || *c.CallID != "" || !isDevice(c.Device) || len(c.ID) > 3*maxName || c.Active.Type != "livekit" {
		return Member{}, false, fmt.Errorf("the membership lacks what it needs")
	}
	m.Device, m.ID = c.Device, c.ID
	m.Since = time.UnixMilli(e.Timestamp)
	// A time before the event's is that of a membership that was extended; a later
	// one would outlast what others allow.
	if ms, err := c.Created.Int64(); err == nil && ms > 0 && ms < e.Timestamp {
		m.Since = time.UnixMilli(ms)
	}
	expiry := defaultExpiry
	if ms, err := c.Expires.Int64(); err == nil && ms > 0 {
		expiry = time.Duration(min(ms, maxExpiry.Milliseconds())) * time.Millisecond
	}
	m.Expires = m.Since.Add(expiry)
	m.Oldest = c.Active.Selection == "oldest_membership"
	m.Services = services(c.Preferred)
	return m, false, nil
}

func readStickyMember(e *event.Event, raw json.RawMessage) (m Member, left bool, err error) {
	var c struct {
		Slot        string `json:"slot_id"`
		Key         string `json:"msc4354_sticky_key"`
		StableKey   string `json:"sticky_key"`
		Application *struct {
			Type string `json:"type"`
		} `json:"application"`
		Member struct {
			ID         string      `json:"id"`
			User       id.UserID   `json:"user_id"` // gone from the newest text
			Device     id.DeviceID `json:"device_id"`
			Membership string      `json:"membership"` // in the newest text
		} `json:"member"`
		Transports json.RawMessage `json:"transports"`     // matrix-js-sdk 43
		Older      []transport     `json:"rtc_transports"` // matrix-js-sdk 42
	}
	if json.Unmarshal(raw, &c) != nil {
		return Member{}, false, fmt.Errorf("the membership is no object")
	}
	if c.Key == "" {
		c.Key = c.StableKey
	}
	if c.Slot != Slot || c.Key == "" || len(c.Key) > maxName || e.Sticky == nil {
		return Member{}, false, fmt.Errorf("the membership lacks what it needs")
	}
	m = Member{User: e.Sender, Key: c.Key, ID: c.Key, Sticky: true}
	if c.Application == nil || c.Member.Membership == "leave" {
		return m, true, nil
	}
	if c.Application.Type != "m.call" || c.Member.ID != c.Key || !isDevice(c.Member.Device) || c.Member.User != "" && c.Member.User != e.Sender {
		return Member{}, false, fmt.Errorf("the membership is another user's, or lacks what it needs")
	}
	m.Device, m.Since = c.Member.Device, time.UnixMilli(e.Timestamp)
	m.Expires = e.GetStickyUntil()
	var newer struct {
		Published []transport `json:"published"`
	}
	if json.Unmarshal(c.Transports, &newer) == nil {
		m.Services = services(newer.Published)
	}
	if len(m.Services) == 0 {
		m.Services = services(c.Older)
	}
	return m, false, nil
}

// isDevice reports whether s can be a device's ID. A colon is none: USER:DEVICE
// could be another user's then.
func isDevice(s id.DeviceID) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsRune(string(s), ':')
}
