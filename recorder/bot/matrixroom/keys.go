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

// indices is how many keys a member has at a time, at most.
const indices = 256

// maxLeft is how many who left keep their ring for keyGrace, at most: there are not many more
// rings (recorder.ParticipantKeys), and who comes must have one.
const maxLeft = 1000

// A leftRing is the ring of somebody who left.
type leftRing struct {
	until time.Time         // it is given up
	older map[int]time.Time // as a member's
}

// keyed puts a key into the ring of whom it came from.
func (r *room) keyed(e matrix.CallEvent) {
	defer clear(e.Key)
	if r.rings == nil || e.Caller.Standing == matrix.Unsigned {
		return
	}
	identity := identityOf(e.Caller)
	r.mu.Lock()
	m := r.members[identity]
	if m == nil {
		r.mu.Unlock()
		return
	}
	if err := r.rings.Keyring(identity).SetRaw(e.Index, e.Key, frame.HKDF); err != nil {
		r.mu.Unlock()
		r.sayOf(e.Caller, ": a key is not used: "+err.Error())
		return
	}
	defer r.mu.Unlock()
	if m.newest >= 0 && m.newest != e.Index {
		m.older[m.newest] = e.At.Add(keyGrace)
	}
	delete(m.older, e.Index)
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
	if had && before != e.Index {
		r.older[before] = e.At.Add(keyGrace)
	}
	delete(r.older, e.Index)
}

// giveUp has the ring of somebody who left given up in a while: they may be back at once, with
// media that did not stop. older is when some of its keys are taken out anyway. Called locked.
func (r *room) giveUp(identity string, older map[int]time.Time, now time.Time) {
	switch {
	case r.rings == nil || r.rings.Lookup(identity) == nil:
	case len(r.left) >= maxLeft:
		r.rings.Forget(identity)
	default:
		r.left[identity] = leftRing{now.Add(keyGrace), older}
	}
}

// leftOver returns the keys of somebody's last visit, if that was just now, and when they are
// taken out unless they come again. Called locked.
func (r *room) leftOver(identity string) map[int]time.Time {
	older := make(map[int]time.Time)
	if left, ok := r.left[identity]; ok {
		delete(r.left, identity)
		ring := r.rings.Lookup(identity) // it is there as long as this
		for index := range indices {
			if !ring.Has(index) {
				continue
			}
			older[index] = left.until
			if until, ok := left.older[index]; ok { // or who comes and goes would keep it
				older[index] = until
			}
		}
	}
	return older
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

// retire takes out the keys whose time is over, and gives up the rings of who left.
func (r *room) retire(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for identity, m := range r.members {
		for _, index := range r.takeOut(identity, m.older, now) {
			clear(m.keys[index])
			delete(m.keys, index)
		}
	}
	r.takeOut(r.identity, r.older, now)
	for identity, left := range r.left {
		if !now.Before(left.until) {
			r.rings.Forget(identity)
			delete(r.left, identity)
		}
	}
}

// takeOut takes the older keys whose time is over out of a ring, and returns their indices.
// Called locked.
func (r *room) takeOut(identity string, older map[int]time.Time, now time.Time) (over []int) {
	for index, until := range older {
		if !now.Before(until) {
			if ring := r.rings.Lookup(identity); ring != nil {
				ring.Remove(index)
			}
			delete(older, index)
			over = append(over, index)
		}
	}
	return over
}

// atLiveKit are the keys by the identities that members have at LiveKit.
type atLiveKit struct{ r *room }

// Keyring implements recorder.KeyProvider. Who is no member has a ring that nobody fills. A
// member's identity is theirs, even if a server once called us so: all members have our key.
func (k atLiveKit) Keyring(alias string) *frame.Keyring {
	k.r.mu.Lock()
	defer k.r.mu.Unlock() // nobody leaves meanwhile, whose ring would be made anew
	identity, ok := k.r.of[alias]
	if !ok && k.r.own[alias] {
		identity, ok = k.r.identity, true
	}
	if !ok {
		return frame.NewKeyring(0, frame.KeyOptions{})
	}
	return k.r.rings.Keyring(identity)
}
