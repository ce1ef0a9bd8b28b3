package matrixroom

import (
	"bytes"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/matrix"
)

// keyGrace is how long a member's key opens frames after another came in its place. Members
// begin to use a new key some seconds after they sent it; who left knows the one before.
const keyGrace = 30 * time.Second

// An olderKey is a key that another has taken the place of.
type olderKey struct {
	identity string
	index    int
	until    time.Time
}

// maxOlder bounds the keys that wait to be taken out of their rings.
const maxOlder = 4096

// keyed puts a key into the ring of whom it came from.
func (r *room) keyed(e matrix.CallEvent) {
	defer clear(e.Key)
	if r.rings == nil || e.Caller.Standing == matrix.Unsigned {
		return
	}
	identity := identityOf(e.Caller)
	if err := r.rings.Keyring(identity).SetRaw(e.Index, e.Key, frame.HKDF); err != nil {
		r.c.Say(called(e.Caller) + ": a key is not used: " + err.Error())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[identity]
	if m == nil {
		return
	}
	if m.newest >= 0 && m.newest != e.Index && len(r.older) < maxOlder {
		r.older = append(r.older, olderKey{identity, m.newest, e.At.Add(keyGrace)})
	}
	if m.newest < 0 { // so they are there
		r.events.put(recorder.RoomEvent{At: e.At, Type: recorder.EventStanding, Participant: identity})
	}
	m.newest = e.Index
	clear(m.keys[e.Index])
	m.keys[e.Index] = bytes.Clone(e.Key)
}

// rekeyed takes another key of our own, as somebody left who had the last one.
func (r *room) rekeyed(e matrix.CallEvent) {
	defer clear(e.Key)
	if r.rings == nil {
		return
	}
	ring := r.rings.Keyring(r.identity)
	before, had := ring.Newest()
	if err := ring.SetRaw(e.Index, e.Key, frame.HKDF); err != nil {
		r.log.Error("the recorder's own key is not used", "err", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if had && before != e.Index && len(r.older) < maxOlder {
		r.older = append(r.older, olderKey{r.identity, before, e.At.Add(keyGrace)})
	}
}

// restore puts keys back that came from a device while it was to be trusted, as it is again:
// members do not send them twice. Called locked.
func (r *room) restore(identity string, m *member) {
	if r.rings == nil {
		return
	}
	for index, key := range m.keys {
		if err := r.rings.Keyring(identity).SetRaw(index, key, frame.HKDF); err != nil {
			r.log.Warn("a key is not used again", "err", err)
		}
	}
}

// retire takes out the keys whose time is over, unless they are in use again.
func (r *room) retire(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.older[:0]
	for _, k := range r.older {
		switch m := r.members[k.identity]; {
		case now.Before(k.until):
			kept = append(kept, k)
		case m == nil || m.newest != k.index:
			r.rings.Keyring(k.identity).Remove(k.index)
			if m != nil {
				clear(m.keys[k.index])
				delete(m.keys, k.index)
			}
		}
	}
	r.older = kept
}

// atLiveKit are the keys by the identities that members have at LiveKit.
type atLiveKit struct{ r *room }

// Keyring implements recorder.KeyProvider. Who is no member has a ring that nobody fills. A
// member's identity is theirs, even if a server once called us so: all members have our key.
func (k atLiveKit) Keyring(alias string) *frame.Keyring {
	k.r.mu.Lock()
	identity, ok := k.r.of[alias]
	if !ok && k.r.own[alias] {
		identity, ok = k.r.identity, true
	}
	k.r.mu.Unlock()
	if !ok {
		return frame.NewKeyring(0, frame.KeyOptions{})
	}
	return k.r.rings.Keyring(identity)
}
