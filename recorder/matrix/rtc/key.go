package rtc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/id"
)

// KeysType is the type of the to-device events that bring media keys, as members send it.
const KeysType = "io.element.call.encryption_keys"

// rtcKeyType is that of the newest text of MSC4143, which is read, too.
const rtcKeyType = "m.rtc.encryption_key"

// Bounds of a key, in bytes.
const (
	minKey = 16
	maxKey = 64
)

// A MediaKey is what a message says of a media key.
type MediaKey struct {
	Room    id.RoomID
	Claimed id.DeviceID // "" where the format has no claim
	Member  string      // ID of the membership, "" where it says none
	Index   int         // 0 to 255
	Key     []byte      // 16 to 64 bytes
	Sent    int64       // milliseconds, by the sender's clock; 0 if it does not say
}

// ReadKey reads the content of a message of a type that IsKey knows.
func ReadKey(kind string, raw json.RawMessage) (k MediaKey, err error) {
	var text string
	index := -1
	switch kind {
	case KeysType:
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
			return MediaKey{}, errors.New("the key's message lacks what it needs")
		}
		k = MediaKey{Room: c.Room, Claimed: c.Member.Device, Member: c.Member.ID}
		if ms, err := c.Sent.Int64(); err == nil && ms > 0 {
			k.Sent = ms
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
			return MediaKey{}, errors.New("the key's message lacks what it needs")
		}
		k = MediaKey{Room: c.Room, Member: c.Member}
		text = c.Key.Key
		if c.Key.Index != nil {
			index = *c.Key.Index
		}
	default:
		return MediaKey{}, errors.New("the message brings no key")
	}
	if index < 0 || index > 255 || len(k.Member) > maxName || len(k.Claimed) > maxName || k.Room == "" {
		return MediaKey{}, fmt.Errorf("the key's index or names are out of bounds")
	}
	k.Index = index
	if k.Key, err = base64.StdEncoding.DecodeString(text); err != nil {
		k.Key, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(k.Key) < minKey || len(k.Key) > maxKey {
		return MediaKey{}, fmt.Errorf("the key is not %d to %d bytes in base64", minKey, maxKey)
	}
	return k, nil
}

// Fits reports whether a key is of a membership. The IDs of memberships by state
// events are not said by all.
func (k *MediaKey) Fits(m Member) bool { return !m.Sticky || k.Member == m.Key }

// IsKey reports whether to-device events of that type bring media keys.
func IsKey(kind string) bool { return kind == KeysType || kind == rtcKeyType }
