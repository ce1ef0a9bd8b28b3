package rtc

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Bounds of what is kept of a room's state.
const (
	maxJoined      = 50_000
	maxDisplayName = 255 // bytes
)

// slotType is that of the state event by which a room closes its call (MSC4143).
const slotType = "org.matrix.msc4143.rtc.slot"

// A Room is what the state of a room says, as far as calls need it. It is the
// homeserver's word. One goroutine at a time may use it.
type Room struct {
	joined    map[id.UserID]string // display names of who is in the room
	named     map[string]int       // how many have each name
	levels    powerLevels
	creators  []id.UserID // whose power has no limit; only in newer versions of rooms
	Version   string
	Encrypted bool // which cannot be taken back
	Closed    bool // its call
}

// NewRoom returns one of which nothing is known.
func NewRoom() *Room {
	return &Room{joined: make(map[id.UserID]string), named: make(map[string]int)}
}

// Take takes in a state event; others than those it knows it leaves.
func (r *Room) Take(e *event.Event) {
	if e.StateKey == nil {
		return
	}
	raw := e.Content.VeryRaw
	switch e.Type.Type {
	case event.StateMember.Type:
		var c struct {
			Membership string `json:"membership"`
			Name       string `json:"displayname"`
		}
		if json.Unmarshal(raw, &c) != nil { // a name that is no text
			var m struct {
				Membership string `json:"membership"`
			}
			if json.Unmarshal(raw, &m) != nil {
				return
			}
			c.Membership, c.Name = m.Membership, ""
		}
		r.member(id.UserID(*e.StateKey), c.Membership == "join", c.Name)
	case event.StatePowerLevels.Type:
		var p powerLevels
		if *e.StateKey == "" && json.Unmarshal(raw, &p) == nil {
			r.levels = p
		}
	case event.StateEncryption.Type:
		r.Encrypted = r.Encrypted || *e.StateKey == "" // it cannot be taken back
	case event.StateCreate.Type:
		var c struct {
			Version    string      `json:"room_version"`
			Additional []id.UserID `json:"additional_creators"`
		}
		if *e.StateKey != "" || json.Unmarshal(raw, &c) != nil {
			return
		}
		r.Version = c.Version
		if n, err := strconv.Atoi(c.Version); err == nil && n >= 12 || c.Version == "org.matrix.hydra.11" {
			r.creators = append([]id.UserID{e.Sender}, c.Additional...)
		}
	case slotType:
		var c struct {
			Status string `json:"status"`
		}
		if *e.StateKey == Slot && json.Unmarshal(raw, &c) == nil {
			r.Closed = c.Status == "closed"
		}
	}
}

// member takes in that a user is in the room or not.
func (r *Room) member(user id.UserID, joined bool, name string) {
	if old, ok := r.joined[user]; ok {
		if r.named[old]--; r.named[old] <= 0 {
			delete(r.named, old)
		}
		delete(r.joined, user)
	}
	if !joined || len(r.joined) >= maxJoined || len(user) > maxName {
		return
	}
	name = PlainName(name)
	r.joined[user] = name
	r.named[name]++
}

// Name returns what a user is called: with their ID, if others are called so, too,
// or by the ID alone.
func (r *Room) Name(user id.UserID) string {
	name := r.joined[user]
	switch {
	case name == "":
		return string(user)
	case r.named[name] > 1 || strings.HasPrefix(name, "@"): // or it could be taken for an ID
		return name + " (" + string(user) + ")"
	}
	return name
}

// PlainName takes out of a display name what is no text: controls, marks of
// direction, line ends.
func PlainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > maxDisplayName {
		cut := maxDisplayName
		for cut > 0 && s[cut]&0xC0 == 0x80 {
			cut--
		}
		s = s[:cut]
	}
	return s
}

// powerLevels is the content of m.room.power_levels. Numbers may be texts in rooms
// of old versions.
type powerLevels struct {
	Users         map[id.UserID]level `json:"users"`
	UsersDefault  level               `json:"users_default"`
	Events        map[string]level    `json:"events"`
	EventsDefault level               `json:"events_default"`
	StateDefault  *level              `json:"state_default"`
	known         bool
}

func (p *powerLevels) UnmarshalJSON(b []byte) error {
	type bare powerLevels
	var v bare
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*p = powerLevels(v)
	p.known = true
	return nil
}

type level int64

func (l *level) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(b), `" `), 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > 1<<53 {
		return fmt.Errorf("the power level is no number")
	}
	*l = level(n)
	return nil
}

// power returns what a user has, and what an event of that type needs.
func (r *Room) power(user id.UserID, kind event.Type) (has, needs int) {
	p := r.levels
	if !p.known {
		return 0, 0 // as before the first of these events
	}
	needs = int(p.EventsDefault)
	if kind.IsState() {
		needs = 50
		if p.StateDefault != nil {
			needs = int(*p.StateDefault)
		}
	}
	if l, ok := p.Events[kind.Type]; ok {
		needs = int(l)
	}
	if slices.Contains(r.creators, user) {
		return math.MaxInt32, needs
	}
	has = int(p.UsersDefault)
	if l, ok := p.Users[user]; ok {
		has = int(l)
	}
	return has, needs
}

// May returns nil if a user has the power to send an event of that type, else a
// *PowerError. what is in words what they would do.
func (r *Room) May(user id.UserID, what string, kind event.Type) error {
	if has, needs := r.power(user, kind); has < needs {
		return &PowerError{What: what, Event: kind.Type, Has: has, Needs: needs}
	}
	return nil
}

// Joined reports whether a user is in the room.
func (r *Room) Joined(user id.UserID) bool {
	_, ok := r.joined[user]
	return ok
}

// Lacks returns what a user may not do in the room that a recorder does: a *PowerError each.
func (r *Room) Lacks(user id.UserID) (all []error) {
	for _, err := range []error{r.May(user, "to take part in its call", StateMember), r.May(user, "to write into it", event.EventEncrypted)} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}
