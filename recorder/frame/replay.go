package frame

import (
	"encoding/binary"
	"hash/maphash"
)

const (
	replaySize  = 4096           // nonces remembered per track
	replayTable = 2 * replaySize // a power of two, at most half full
)

// A replayWindow remembers exactly the last 4096 nonces of a track, each with
// the key it was used under. It takes about 90 KiB once it is used and does
// not allocate after that.
type replayWindow struct {
	seed  maphash.Seed
	ring  []nonce  // the oldest is at next, once the ring is full
	table []uint16 // open addressing with linear probing: 1 + position in ring, 0 = free
	next  int
	full  bool
}

type nonce struct {
	a uint64 // first eight bytes of the IV
	b uint64 // the other four, and the key's id
}

// add remembers a nonce. It returns false if it is remembered already.
func (w *replayWindow) add(key uint32, iv []byte) bool {
	if w.ring == nil {
		w.seed = maphash.MakeSeed()
		w.ring, w.table = make([]nonce, replaySize), make([]uint16, replayTable)
	}
	n := nonce{
		a: binary.BigEndian.Uint64(iv),
		b: uint64(binary.BigEndian.Uint32(iv[8:]))<<32 | uint64(key),
	}
	if w.table[w.find(n)] != 0 {
		return false
	}
	if w.full {
		w.remove(w.find(w.ring[w.next]))
	}
	w.ring[w.next] = n
	w.table[w.find(n)] = uint16(w.next + 1)
	if w.next++; w.next == replaySize {
		w.next, w.full = 0, true
	}
	return true
}

func (w *replayWindow) home(n nonce) int {
	return int(maphash.Comparable(w.seed, n) % replayTable)
}

// find returns the place of n in the table, or the free one where it belongs.
func (w *replayWindow) find(n nonce) int {
	i := w.home(n)
	for w.table[i] != 0 && w.ring[w.table[i]-1] != n {
		i = (i + 1) % replayTable
	}
	return i
}

// remove frees a place and moves up those behind it that probing would not
// reach any more.
func (w *replayWindow) remove(gap int) {
	for i := (gap + 1) % replayTable; w.table[i] != 0; i = (i + 1) % replayTable {
		home := w.home(w.ring[w.table[i]-1])
		// The entry at i may move to the gap unless its home lies behind the gap.
		if (i-home+replayTable)%replayTable >= (i-gap+replayTable)%replayTable {
			w.table[gap] = w.table[i]
			gap = i
		}
	}
	w.table[gap] = 0
}
