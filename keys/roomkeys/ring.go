package roomkeys

import (
	"maps"
	"slices"
	"time"
)

const (
	keyGrace  = 10 * time.Second // a replaced key of another may still open frames on their way
	freshUse  = time.Second      // from handing out a fresh chain to its use
	quickUse  = 300 * time.Millisecond
	maxBehind = Indexes / 2 // an index farther ahead is one that lies behind
)

// A ring is what was installed of one identity's keys. A zero slot is in use; another
// is when it is retired.
type ring struct {
	identity string
	emit     func(Event)
	chain    *chain // where the sender is; nil: nothing is known of it
	slots    map[int]time.Time
	next     time.Time // nothing is retired before; zero: nothing is to be
}

func newRing(identity string, emit func(Event)) *ring {
	return &ring{identity: identity, emit: emit, slots: make(map[int]time.Time)}
}

// number returns that of the chain, 0 for none.
func (r *ring) number() int {
	if r.chain == nil {
		return 0
	}
	return r.chain.number
}

// take installs a later chain, whose ownership it takes. What was there before is
// used until the sender uses this one.
func (r *ring) take(c *chain, now time.Time) {
	r.leave(now.Add(freshUse + keyGrace))
	r.chain = c
	for n := range Ahead + 1 {
		r.install(n)
	}
}

// install installs the key that is n steps ahead.
func (r *ring) install(n int) {
	key := r.chain.at(n)
	index := (r.chain.index + n) % Indexes
	r.slots[index] = time.Time{}
	r.emit(Event{Kind: Install, Identity: r.identity, Index: index, Key: key[:]})
	key.wipe()
}

// advance follows the sender some steps. Of many it installs only those keys that come
// next: one message is not to make 128.
func (r *ring) advance(steps int, now time.Time) {
	for n := range steps {
		if _, ok := r.slots[r.chain.index]; ok {
			r.retire(r.chain.index, now.Add(keyGrace))
		}
		if r.chain.step(); steps-n <= Ahead+1 {
			r.install(Ahead)
		}
	}
}

// leave retires all keys at a time, and forgets the chain.
func (r *ring) leave(at time.Time) {
	for index, until := range r.slots {
		if until.IsZero() || until.After(at) {
			r.retire(index, at)
		}
	}
	if r.chain != nil {
		r.chain.secret.wipe()
		r.chain = nil
	}
}

func (r *ring) retire(index int, at time.Time) {
	r.slots[index] = at
	if r.next.IsZero() || at.Before(r.next) {
		r.next = at
	}
}

// tick retires what is due.
func (r *ring) tick(now time.Time) {
	if r.next.IsZero() || now.Before(r.next) {
		return
	}
	r.next = time.Time{}
	for _, index := range slices.Sorted(maps.Keys(r.slots)) {
		switch until := r.slots[index]; {
		case until.IsZero():
		case now.Before(until):
			r.retire(index, until)
		default:
			delete(r.slots, index)
			r.emit(Event{Kind: Retire, Identity: r.identity, Index: index})
		}
	}
}

// clear retires all keys at once.
func (r *ring) clear(now time.Time) {
	r.leave(now)
	r.tick(now)
}
