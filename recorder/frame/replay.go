package frame

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

const (
	replaySize  = 4096           // nonces of a generation
	replayTable = 2 * replaySize // a power of two, at most half full
)

// A replayWindow remembers the nonces of a track, each with the key it was used
// under: exactly, and at least the last 4096 of them. It keeps two generations
// of up to 4096 and drops the older one when the younger is full, which costs
// less per frame than dropping nonces one by one. It takes 192 KiB once it is
// used and does not allocate after that.
type replayWindow struct {
	seed        [2]uint64
	now, before generation
}

// A generation is a set of nonces: an open-addressing table of positions.
type generation struct {
	nonces []nonce
	table  []uint32 // 0 is free; else 1 + position, below hash bits that tell most others apart
}

type nonce struct {
	a uint64 // first eight bytes of the IV
	b uint64 // the other four, and the key's id
}

// add remembers a nonce. It returns false if it is remembered already. Only
// nonces of frames that authenticate may come here: the table trusts that they
// are not chosen, without knowing the seed, to collide.
func (w *replayWindow) add(key uint32, iv []byte) bool {
	if w.now.table == nil {
		var seed [16]byte
		rand.Read(seed[:]) // never fails
		w.seed[0], w.seed[1] = binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])
		w.now, w.before = newGeneration(), newGeneration()
	}
	n := nonce{
		a: binary.BigEndian.Uint64(iv),
		b: uint64(binary.BigEndian.Uint32(iv[8:]))<<32 | uint64(key),
	}
	hi, lo := bits.Mul64(n.a^w.seed[0], n.b^w.seed[1])
	hash := uint32(hi^lo) ^ uint32((hi^lo)>>32)
	if _, ok := w.before.find(n, hash); ok {
		return false
	}
	place, ok := w.now.find(n, hash)
	if ok {
		return false
	}
	if len(w.now.nonces) == replaySize {
		w.now, w.before = w.before, w.now
		clear(w.now.table)
		w.now.nonces = w.now.nonces[:0]
		place = int(hash % replayTable)
	}
	w.now.nonces = append(w.now.nonces, n)
	w.now.table[place] = hash&^(replayTable-1) | uint32(len(w.now.nonces))
	return true
}

func newGeneration() generation {
	return generation{nonces: make([]nonce, 0, replaySize), table: make([]uint32, replayTable)}
}

// find returns the place of n in the table, or the free one where it belongs.
func (g *generation) find(n nonce, hash uint32) (place int, ok bool) {
	const low = replayTable - 1 // positions fit below the tag: 1 to 4096
	for i := hash & low; ; i = (i + 1) & low {
		e := g.table[i]
		if e == 0 {
			return int(i), false
		}
		if (e^hash)&^low == 0 && g.nonces[e&low-1] == n {
			return int(i), true
		}
	}
}
