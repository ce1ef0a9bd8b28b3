package matrix

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"
)

// The to-device events that bring media keys: those in use, and those of the newest
// text of MSC4143.
const (
	callKeysType = "io.element.call.encryption_keys"
	rtcKeyType   = "m.rtc.encryption_key"
)

// Bounds of what is kept of keys that others sent.
const (
	minKey       = 16
	maxKey       = 64
	maxHeld      = 32               // of one device
	maxHolders   = 2000             // devices
	maxStrangers = 500              // of them, before those of users who are not in the room yet count as too many
	holdFor      = 10 * time.Minute // a key whose membership did not come
	holdOverLeft = 30 * time.Second // a key that came before the membership, and that before the leave
)

// A mediaKey is what a message says of a media key.
type mediaKey struct {
	room    id.RoomID
	claimed id.DeviceID // "" where the format has no claim
	member  string      // ID of the membership, "" where it says none
	index   int
	key     []byte
	sent    int64 // milliseconds, by the sender's clock; 0 if it does not say
}

// readKey reads the content of a message of either type.
func readKey(kind string, raw json.RawMessage) (k mediaKey, err error) {
	var text string
	index := -1
	switch kind {
	case callKeysType:
		var c struct {
			Keys struct {
				Index *int   `json:"index"`
				Key   string `json:"key"`
			} `json:"keys"`
			Member struct {
				ID     string      `json:"id"`
				Device id.DeviceID `json:"claimed_device_id"`
			} `json:"member"`
			Room id.RoomID   `json:"room_id"`
			Sent json.Number `json:"sent_ts"`
		}
		if json.Unmarshal(raw, &c) != nil || c.Member.Device == "" {
			return mediaKey{}, errors.New("the key's message lacks what it needs")
		}
		k = mediaKey{room: c.Room, claimed: c.Member.Device, member: c.Member.ID}
		if ms, err := c.Sent.Int64(); err == nil && ms > 0 {
			k.sent = ms
		}
		text = c.Keys.Key
		if c.Keys.Index != nil {
			index = *c.Keys.Index
		}
	case rtcKeyType:
		var c struct {
			Room   id.RoomID `json:"room_id"`
			Member string    `json:"member_id"`
			Key    struct {
				Index *int   `json:"index"`
				Key   string `json:"key"`
			} `json:"media_key"`
			Format int `json:"format"`
		}
		if json.Unmarshal(raw, &c) != nil || c.Member == "" || c.Format != 0 {
			return mediaKey{}, errors.New("the key's message lacks what it needs")
		}
		k = mediaKey{room: c.Room, member: c.Member}
		text = c.Key.Key
		if c.Key.Index != nil {
			index = *c.Key.Index
		}
	default:
		return mediaKey{}, errors.New("the message brings no key")
	}
	if index < 0 || index > 255 || len(k.member) > maxName || len(k.claimed) > maxName || k.room == "" {
		return mediaKey{}, fmt.Errorf("the key's index or names are out of bounds")
	}
	k.index = index
	if k.key, err = base64.StdEncoding.DecodeString(text); err != nil {
		k.key, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(k.key) < minKey || len(k.key) > maxKey {
		return mediaKey{}, fmt.Errorf("the key is not %d to %d bytes in base64", minKey, maxKey)
	}
	return k, nil
}

// A heldKey is a key that came by Olm from a device that has these two keys.
type heldKey struct {
	mediaKey
	identity id.Curve25519
	signing  id.Ed25519
	received time.Time
	given    bool // to the membership that its device has now
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
		if o.index != k.index || o.member != k.member {
			continue
		}
		if k.sent != 0 && o.sent > k.sent || bytes.Equal(o.key, k.key) {
			return false
		}
		list = slices.Delete(list, i, i+1)
		break
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
	return own < maxOfUser && len(h.byHolder) < maxHolders && (joined || len(h.byHolder) < maxStrangers)
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

// fits reports whether a key is of a membership. The IDs of memberships by state
// events are not said by all.
func (k *mediaKey) fits(m Member) bool { return !m.Sticky || k.member == m.Key }

// isCallKey reports whether to-device events of that type bring media keys.
func isCallKey(kind string) bool { return kind == callKeysType || kind == rtcKeyType }
