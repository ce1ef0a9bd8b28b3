package rtc

import (
	"cmp"
	"iter"
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

// An Author is who made an event, as far as it is proved.
type Author struct {
	Encrypted bool          // else nobody but the homeserver says who made it
	Identity  id.Curve25519 // the two keys of the device that encrypted it
	Signing   id.Ed25519
}

// An Entry is the newest event of a membership.
type Entry struct {
	Member
	Author
	Left  bool
	Event id.EventID
	at    int64 // milliseconds, by the homeserver's clock
}

// entryKey is what is the same in all events of one membership.
type entryKey struct {
	user   id.UserID
	key    string
	sticky bool
}

func (e Entry) id() entryKey { return entryKey{e.User, e.Key, e.Sticky} }

// A Roster is who is in a call, by the events of both formats. One goroutine at a time may use it.
type Roster struct {
	entries map[entryKey]Entry
}

// NewRoster returns an empty one.
func NewRoster() *Roster { return &Roster{entries: make(map[entryKey]Entry)} }

// Take takes in an event if it is a membership, and reports whether it is.
func (r *Roster) Take(e *event.Event, by Author) (Entry, bool) {
	if e == nil {
		return Entry{}, false
	}
	m, left, err := ReadMember(e)
	if err != nil {
		if e.Type.Type == StateMember.Type && e.StateKey != nil { // it replaced one that was valid
			delete(r.entries, entryKey{e.Sender, *e.StateKey, false})
		}
		return Entry{}, false
	}
	n := Entry{Member: m, Author: by, Left: left, Event: e.ID, at: e.Timestamp}
	if left {
		n.Expires = time.UnixMilli(e.Timestamp).Add(maxExpiry)
		if m.Sticky {
			n.Expires = e.GetStickyUntil()
		}
	}
	return n, r.Put(n)
}

// Put adds an entry, and reports whether it counts. Of sticky events the newest counts, whichever comes first; of
// state events the last.
func (r *Roster) Put(n Entry) bool {
	key := n.id()
	old, ok := r.entries[key]
	if ok && n.Sticky && (old.at > n.at || old.at == n.at && old.Event > n.Event) {
		return false
	}
	if n.Left && !n.Sticky {
		delete(r.entries, key)
		return true
	}
	if !ok && !r.room(n.User) {
		return false
	}
	r.entries[key] = n
	return true
}

// room makes room for another Entry of a user: the oldest of theirs goes.
func (r *Roster) room(user id.UserID) bool {
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

// Forget drops memberships by state events, whose list is read anew.
func (r *Roster) Forget() {
	maps.DeleteFunc(r.entries, func(key entryKey, _ Entry) bool { return !key.sticky })
}

// Redact takes back the event of a membership: what is left of one says nothing.
func (r *Roster) Redact(e id.EventID) {
	for key, n := range r.entries {
		if n.Event == e && e != "" {
			delete(r.entries, key)
		}
	}
}

// Expire drops what has run out, and returns when that is next the case; the zero
// time if never.
func (r *Roster) Expire(now time.Time) (next time.Time) {
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

// Present returns the memberships that count for ok, one for each device, the
// oldest first. Of several of one device a sticky one counts before one by a state
// event, and the younger before the older.
func (r *Roster) Present(now time.Time, ok func(Entry) bool) []Entry {
	best := make(map[device]Entry)
	for _, e := range r.entries {
		if e.Left || !now.Before(e.Expires) || !ok(e) {
			continue
		}
		t := device{e.User, e.Device}
		if old, there := best[t]; !there || e.before(old) {
			best[t] = e
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b Entry) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.User, b.User), cmp.Compare(a.Device, b.Device))
	})
}

// before reports whether e counts and not o, which is of the same device.
func (e Entry) before(o Entry) bool {
	if e.Sticky != o.Sticky {
		return e.Sticky
	}
	if c := e.Since.Compare(o.Since); c != 0 {
		return c > 0
	}
	return e.Key > o.Key
}

// A device is one of a user's.
type device struct {
	user id.UserID
	name id.DeviceID
}

// All returns all entries, in no order: also those that say that a membership is over, and
// those that have run out since Expire was called.
func (r *Roster) All() iter.Seq[Entry] { return maps.Values(r.entries) }

// Has reports whether a user has a membership by a state event under that key.
func (r *Roster) Has(user id.UserID, key string) bool {
	_, ok := r.entries[entryKey{user, key, false}]
	return ok
}
