package matrix

import (
	"bytes"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// Bounds of what is kept of keys that others sent.
const (
	maxHeld      = 32               // of one device
	maxHolders   = 2000             // devices
	maxHoldersOf = 50               // of one user
	maxStrangers = 500              // of them, before those of users who are not in the room yet count as too many
	holdFor      = 10 * time.Minute // a key whose membership did not come
	holdOverLeft = 30 * time.Second // a key that came before the membership, and that before the leave; and one that was replaced
)

// A heldKey is a key that came by Olm from a device that has these two keys.
type heldKey struct {
	rtc.MediaKey
	identity id.Curve25519
	signing  id.Ed25519
	received time.Time
	replaced time.Time // when a newer one came; zero for the newest
	given    bool      // to the membership that its device has now
}

// A holder is who sent keys: whoever has both keys of a device, of that user.
type holder struct {
	user     id.UserID
	identity id.Curve25519
	signing  id.Ed25519
}

// heldKeys are the keys that came, those that were handed on and those that wait
// for a membership or for the device to be known.
type heldKeys struct {
	byHolder map[holder][]*heldKey // oldest first
}

func newHeldKeys() *heldKeys { return &heldKeys{byHolder: make(map[holder][]*heldKey)} }

// put keeps a key, and reports whether it is news. One that was sent before the one
// that is known under the same index came late, and is none.
func (h *heldKeys) put(user id.UserID, joined bool, k *heldKey) bool {
	who := holder{user, k.identity, k.signing}
	list, ok := h.byHolder[who]
	if !ok && !h.room(user, joined) {
		return false
	}
	for i, o := range list {
		if o.Index != k.Index || o.Member != k.Member {
			continue
		}
		if k.Sent != 0 && o.Sent > k.Sent || bytes.Equal(o.Key, k.Key) {
			return false
		}
		list = slices.Delete(list, i, i+1)
		break
	}
	for _, o := range list {
		// One key may be sent as that of two memberships.
		if o.replaced.IsZero() && (o.Index != k.Index || !bytes.Equal(o.Key, k.Key)) {
			o.replaced = k.received
		}
	}
	h.byHolder[who] = append(last(list, maxHeld-1), k)
	return true
}

// room reports whether another device of a user may be a holder.
func (h *heldKeys) room(user id.UserID, joined bool) bool {
	own := 0
	for who := range h.byHolder {
		if who.user == user {
			own++
		}
	}
	return own < maxHoldersOf && len(h.byHolder) < maxHolders && (joined || len(h.byHolder) < maxStrangers)
}

// regive makes the keys of a device wait again for being handed on, but those that others
// took the place of some time ago: who left may know them.
func (h *heldKeys) regive(who holder, now time.Time) {
	h.byHolder[who] = slices.DeleteFunc(h.byHolder[who], func(k *heldKey) bool {
		k.given = false
		return !k.replaced.IsZero() && now.Sub(k.replaced) > holdOverLeft
	})
	h.tidy(who)
}

// left is called when the membership of a device ended. Keys that came just now may
// be of the next one.
func (h *heldKeys) left(who holder, now time.Time) {
	h.byHolder[who] = slices.DeleteFunc(h.byHolder[who], func(k *heldKey) bool { return now.Sub(k.received) > holdOverLeft })
	for _, k := range h.byHolder[who] {
		k.given = false
	}
	h.tidy(who)
}

// expire drops keys that nobody asked for. Those of the devices in keep stay.
func (h *heldKeys) expire(now time.Time, keep func(holder) bool) {
	for who, list := range h.byHolder {
		if !keep(who) {
			h.byHolder[who] = slices.DeleteFunc(list, func(k *heldKey) bool { return now.Sub(k.received) > holdFor })
			h.tidy(who)
		}
	}
}

func (h *heldKeys) tidy(who holder) {
	if len(h.byHolder[who]) == 0 {
		delete(h.byHolder, who)
	}
}
