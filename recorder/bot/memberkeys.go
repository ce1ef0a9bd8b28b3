package bot

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// keyGrace is how long a replaced key still opens members' messages.
const keyGrace = 10 * time.Second

// heldKeys gives the member protocol the room's keys that the recorder has. It is safe
// for concurrent use.
type heldKeys struct {
	provider recorder.KeyProvider
	now      func() time.Time

	mu    sync.Mutex
	rings map[*frame.Keyring]*heldRing
}

// A heldRing has the keys of one keyring.
type heldRing struct {
	version  uint64
	keys     []*member.RoomKey // the newest first
	replaced []*member.RoomKey
	until    time.Time // how long replaced counts
}

// keyIndexes is how many indexes the keys of a room can have.
const keyIndexes = 256

// memberKeys returns the Keys of a member.Config. It is nil for a room without keys.
func memberKeys(provider recorder.KeyProvider) func(identity string) []*member.RoomKey {
	if provider == nil {
		return nil
	}
	held := &heldKeys{provider: provider, now: time.Now, rings: make(map[*frame.Keyring]*heldRing)}
	return held.of
}

func (h *heldKeys) of(identity string) []*member.RoomKey {
	ring := h.provider.Keyring(identity)
	h.mu.Lock()
	defer h.mu.Unlock()
	version := ring.Version()
	r := h.rings[ring]
	if r == nil || r.version != version {
		keys := ringKeys(ring)
		switch {
		case r == nil && len(keys) == 0:
			return nil // an empty ring is not remembered
		case r == nil:
			r = &heldRing{}
			h.rings[ring] = r
		default:
			r.replaced, r.until = r.keys, h.now().Add(keyGrace)
		}
		r.version, r.keys = version, keys
	}
	if h.now().Before(r.until) {
		return append(r.keys[:len(r.keys):len(r.keys)], r.replaced...)
	}
	r.replaced = nil
	return r.keys
}

// ringKeys returns the keys of a ring, the newest first.
func ringKeys(ring *frame.Keyring) (keys []*member.RoomKey) {
	add := func(index int) {
		key := ring.Key(index)
		defer clear(key)
		if k, err := member.NewRoomKey(key); err == nil {
			keys = append(keys, k)
		}
	}
	newest, ok := ring.Newest()
	if ok {
		add(newest)
	}
	for index := range keyIndexes {
		if (index != newest || !ok) && ring.Has(index) {
			add(index)
		}
	}
	return keys
}
