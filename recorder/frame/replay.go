package frame

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

const (
	replaySize  = 4096           // nonces of a generation
	replayTable = 2 * replaySize // a power of two, at most half full
	replayRuns  = 4
)

// A replayWindow remembers the nonces of a track, each with its key: exactly, and
// at least the last 4096. It stores two generations of up to 4096 nonces and
// drops the older one when the younger is full, which costs less per frame than
// dropping nonces one by one. It takes 192 KiB at most, and does not allocate
// once it has them.
//
// Senders count, so most nonces are later than all earlier ones of their stream,
// and then they are new without a lookup. Such nonces are only stored, and put
// into a table when one comes that needs a lookup.
type replayWindow struct {
	seed        [2]uint64
	now, before generation
	gen         uint32 // of now, from 2 on
	runs        [replayRuns]run
	strange     uint32 // last generation with a nonce outside all runs
}

// A run is a stream of nonces BE32(SSRC) | BE32(timestamp) | ... under one key.
// It knows the span of timestamps of all its nonces that are remembered.
type run struct {
	key, ssrc uint32
	gen       uint32 // last used in this generation, 0 is a free run
	high      int64  // timestamps, extended to 64 bits
	low       int64  // of this generation
	lowBefore int64  // of the one before
}

// A generation is a set of nonces, and an open-addressing table of positions of
// the first of them.
type generation struct {
	nonces  []nonce
	indexed int      // nonces that the table has
	table   []uint32 // 0 is free; else 1 + position, below hash bits that tell most others apart
}

type nonce struct {
	a uint64 // first eight bytes of the IV
	b uint64 // the other four, and the key's id
}

// add remembers a nonce. It returns false if the nonce was remembered before.
// Only nonces of frames that authenticate may be passed: the table relies on
// nobody choosing them to collide without knowing the seed.
func (w *replayWindow) add(key uint32, iv []byte) bool {
	n := nonce{
		a: binary.BigEndian.Uint64(iv),
		b: uint64(binary.BigEndian.Uint32(iv[8:]))<<32 | uint64(key),
	}
	if w.gen == 0 {
		w.gen = 2 // so that no run is of the one before
		w.now.nonces = make([]nonce, 0, replaySize)
	}
	r := w.run(key, uint32(n.a>>32))
	if r != nil {
		at := r.high + int64(int32(uint32(n.a)-uint32(r.high)))
		if at <= r.high || at-min(r.low, r.lowBefore) > 1<<31 {
			if w.known(n) {
				return false
			}
		}
		r.note(at, w.gen)
	} else if w.known(n) {
		return false
	} else {
		w.begin(key, n)
	}
	w.write(n)
	return true
}

// run returns the run of a stream, nil if it has none.
func (w *replayWindow) run(key, ssrc uint32) *run {
	for i := range w.runs {
		if r := &w.runs[i]; r.ssrc == ssrc && r.key == key && r.gen != 0 {
			if r.gen != w.gen {
				r.lowBefore, r.low = r.low, r.high
				if r.gen+1 != w.gen {
					r.lowBefore = r.low // what came before is forgotten
				}
				r.gen = w.gen
			}
			return r
		}
	}
	return nil
}

func (r *run) note(at int64, gen uint32) {
	r.low, r.high = min(r.low, at), max(r.high, at)
}

// begin starts a run with a nonce, if all remembered nonces of its stream are
// known. They are known if there is a free run, and there was one for every other
// remembered nonce.
func (w *replayWindow) begin(key uint32, n nonce) {
	if w.gen >= w.strange+2 {
		for i := range w.runs {
			if r := &w.runs[i]; r.gen+1 < w.gen { // free, or forgotten
				at := int64(uint32(n.a))
				*r = run{key: key, ssrc: uint32(n.a >> 32), gen: w.gen, high: at, low: at, lowBefore: at}
				return
			}
		}
	}
	w.strange = w.gen
}

// write notes a nonce that is not remembered.
func (w *replayWindow) write(n nonce) {
	if len(w.now.nonces) == replaySize {
		w.now, w.before = w.before, w.now
		w.gen++
		w.now.nonces = w.now.nonces[:0]
		if w.now.indexed > 0 {
			clear(w.now.table)
			w.now.indexed = 0
		}
	}
	if w.now.nonces == nil {
		w.now.nonces = make([]nonce, 0, replaySize) // the second generation's
	}
	w.now.nonces = append(w.now.nonces, n)
}

// known looks a nonce up.
func (w *replayWindow) known(n nonce) bool {
	if w.seed == [2]uint64{} {
		var seed [16]byte
		rand.Read(seed[:]) // never fails
		w.seed[0], w.seed[1] = binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])
	}
	hash := w.hash(n)
	return w.index(&w.now).has(n, hash) || w.index(&w.before).has(n, hash)
}

func (w *replayWindow) hash(n nonce) uint32 {
	hi, lo := bits.Mul64(n.a^w.seed[0], n.b^w.seed[1])
	return uint32(hi^lo) ^ uint32((hi^lo)>>32)
}

// index brings the generation's table up to date.
func (w *replayWindow) index(g *generation) *generation {
	if g.table == nil && len(g.nonces) > 0 {
		g.table = make([]uint32, replayTable)
	}
	for ; g.indexed < len(g.nonces); g.indexed++ {
		hash := w.hash(g.nonces[g.indexed])
		i := hash & (replayTable - 1)
		for g.table[i] != 0 {
			i = (i + 1) & (replayTable - 1)
		}
		g.table[i] = hash&^(replayTable-1) | uint32(g.indexed+1)
	}
	return g
}

// has reports whether the table has n.
func (g *generation) has(n nonce, hash uint32) bool {
	if g.indexed == 0 {
		return false
	}
	const low = replayTable - 1 // positions fit below the tag: 1 to 4096
	for i := hash & low; ; i = (i + 1) & low {
		e := g.table[i]
		if e == 0 {
			return false
		}
		if (e^hash)&^low == 0 && g.nonces[e&low-1] == n {
			return true
		}
	}
}
