package matrix

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Bounds of the memberships that are kept of a room, whoever made them up.
const (
	maxEntries = 5000
	maxOfUser  = 50
)

// An entry is the newest event of a membership.
type entry struct {
	Member
	left  bool
	event id.EventID
	at    int64 // milliseconds, by the homeserver's clock
	// Of a sticky one that came encrypted: the keys of the device that made it.
	encrypted bool
	identity  id.Curve25519
	signing   id.Ed25519
}

// entryKey is what is the same in all events of one membership.
type entryKey struct {
	user   id.UserID
	key    string
	sticky bool
}

func (e entry) id() entryKey { return entryKey{e.User, e.Key, e.Sticky} }

// A roster is who is in a call, by the events of both formats.
type roster struct {
	entries map[entryKey]entry
}

func newRoster() *roster { return &roster{entries: make(map[entryKey]entry)} }

// take takes in an event if it is a membership, and reports whether it is.
func (r *roster) take(e RoomEvent) (entry, bool) {
	if e.Event == nil {
		return entry{}, false
	}
	m, left, err := readMember(e.Event)
	if err != nil {
		if e.Type.Type == stateMember.Type && e.StateKey != nil { // it replaced one that was valid
			delete(r.entries, entryKey{e.Sender, *e.StateKey, false})
		}
		return entry{}, false
	}
	n := entry{Member: m, left: left, event: e.ID, at: e.Timestamp, encrypted: e.Encrypted, identity: e.Identity, signing: e.Signing}
	if left {
		n.Expires = time.UnixMilli(e.Timestamp).Add(maxExpiry)
		if m.Sticky {
			n.Expires = e.GetStickyUntil()
		}
	}
	return n, r.put(n)
}

// put adds an entry. Of sticky events the newest counts, whichever comes first; of
// state events the last.
func (r *roster) put(n entry) bool {
	key := n.id()
	old, ok := r.entries[key]
	if ok && n.Sticky && (old.at > n.at || old.at == n.at && old.event > n.event) {
		return false
	}
	if n.left && !n.Sticky {
		delete(r.entries, key)
		return true
	}
	if !ok && !r.room(n.User) {
		return false
	}
	r.entries[key] = n
	return true
}

// room makes room for another entry of a user: the oldest of theirs goes.
func (r *roster) room(user id.UserID) bool {
	count, oldest := 0, entryKey{}
	for key, e := range r.entries {
		if key.user != user {
			continue
		}
		if count++; count == 1 || e.at < r.entries[oldest].at {
			oldest = key
		}
	}
	if count >= maxOfUser {
		delete(r.entries, oldest)
	}
	return count >= maxOfUser || len(r.entries) < maxEntries
}

// forget drops memberships by state events, whose list is read anew.
func (r *roster) forget() {
	maps.DeleteFunc(r.entries, func(key entryKey, _ entry) bool { return !key.sticky })
}

// redact takes back the event of a membership: what is left of one says nothing.
func (r *roster) redact(e id.EventID) {
	for key, n := range r.entries {
		if n.event == e && e != "" {
			delete(r.entries, key)
		}
	}
}

// expire drops what has run out, and returns when that is next the case; the zero
// time if never.
func (r *roster) expire(now time.Time) (next time.Time) {
	for key, e := range r.entries {
		// The sender's homeserver says when it was sent: if that is to come, it would last for
		// too long.
		longest := maxExpiry
		if e.Sticky {
			longest = event.MaxStickyDuration
		}
		if last := now.Add(longest); e.Expires.After(last) {
			e.Expires = last
			r.entries[key] = e
		}
		if !now.Before(e.Expires) {
			delete(r.entries, key)
		} else if next.IsZero() || e.Expires.Before(next) {
			next = e.Expires
		}
	}
	return next
}

// present returns the memberships that count for ok, one for each device, the
// oldest first. Of several of one device a sticky one counts before one by a state
// event, and the younger before the older.
func (r *roster) present(now time.Time, ok func(entry) bool) []entry {
	best := make(map[Target]entry)
	for _, e := range r.entries {
		if e.left || !now.Before(e.Expires) || !ok(e) {
			continue
		}
		t := Target{e.User, e.Device}
		if old, there := best[t]; !there || e.before(old) {
			best[t] = e
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b entry) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.User, b.User), cmp.Compare(a.Device, b.Device))
	})
}

// before reports whether e counts and not o, which is of the same device.
func (e entry) before(o entry) bool {
	if e.Sticky != o.Sticky {
		return e.Sticky
	}
	if c := e.Since.Compare(o.Since); c != 0 {
		return c > 0
	}
	return e.Key > o.Key
}
