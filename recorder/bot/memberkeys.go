package bot

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// keyGrace is how long a key that was replaced still opens what members say.
const keyGrace = 10 * time.Second

// heldKeys gives the member protocol the keys that the recorder has of the room. It
// is safe for concurrent use.
type heldKeys struct {
	provider recorder.KeyProvider
	now      func() time.Time

	mu    sync.Mutex
	rings map[*frame.Keyring]*heldRing
}

// A heldRing is what the protocol has of a ring.
type heldRing struct {
	version  uint64
	keys     []*member.RoomKey // the one that was set last first
	replaced []*member.RoomKey
	until    time.Time // when those that were replaced are over
}

// keyIndexes are the indexes that a key of a room can have.
const keyIndexes = 256

// memberKeys is a member.Config's Keys: nil for a room without.
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
			return nil // a ring that nobody fills is not remembered
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

// ringKeys returns the keys of a ring, the one that was set last first.
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
