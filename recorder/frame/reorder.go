package frame

import "github.com/pion/rtp"

// restartRun is how many packets in a row, each the successor of the one
// before, must lie behind the window for the sequence to count as restarted.
// Late retransmissions come in bursts too, but live packets come between them.
const restartRun = 64

// A reorder is a window of packets over 64-bit sequence numbers. It holds the
// packets from next, the first not handed out, to high, the highest that came,
// and remembers for as many numbers behind high as it has slots whether they
// came, to tell a duplicate from a late packet.
type reorder struct {
	slots      []slot // a power of two, indexed by the low bits of the number
	next, high int64  // next <= high+1; slot high is filled or handed out
	started    bool
	oldSeq     uint16 // last packet behind the window
	oldRun     int    // how many such in a row
}

type slot struct {
	packet *rtp.Packet // nil: missing, or handed out
	got    bool        // it came
	at     int64       // when it came; when it was first missed
}

// A verdict is what to do with a packet.
type verdict uint8

const (
	inOrder verdict = iota
	outOfOrder
	duplicate
	late
	far     // ahead of the window: make room, then place it
	restart // behind it, and the sequence starts anew there
)

func newReorder(size int) reorder {
	n := 1
	for n < size {
		n *= 2
	}
	return reorder{slots: make([]slot, n)}
}

func (r *reorder) slot(seq int64) *slot { return &r.slots[seq&int64(len(r.slots)-1)] }

// judge extends a sequence number to 64 bits, nearest to the highest so far, and
// returns where it belongs. It changes nothing but the run of old packets.
func (r *reorder) judge(seq16 uint16) (seq int64, v verdict) {
	if !r.started {
		r.started = true
		r.next, r.high = int64(seq16), int64(seq16)-1
		return r.next, inOrder
	}
	seq = r.high + int64(int16(seq16-uint16(r.high)))
	if seq >= r.next {
		r.oldRun = 0
		switch {
		case seq-r.next >= int64(len(r.slots)):
			return seq, far
		case seq > r.high:
			return seq, inOrder
		case r.slot(seq).got:
			return seq, duplicate
		}
		return seq, outOfOrder
	}
	if r.oldRun > 0 && seq16 == r.oldSeq+1 {
		r.oldRun++
	} else {
		r.oldRun = 1
	}
	r.oldSeq = seq16
	if r.oldRun >= restartRun {
		r.oldRun = 0
		return r.after(seq16), restart
	}
	if r.high-seq < int64(len(r.slots)) && r.slot(seq).got {
		return seq, duplicate
	}
	return seq, late
}

// after extends the sequence number of a new start. Numbers only grow: it is ahead
// by what is missing to it modulo 2^16.
func (r *reorder) after(seq16 uint16) int64 { return r.high + 1 + int64(seq16-uint16(r.high+1)) }

// place stores a packet of the window; the numbers it jumps over are missed
// from now on.
func (r *reorder) place(p *rtp.Packet, seq, at int64) {
	for ; r.high < seq; r.high++ {
		*r.slot(r.high + 1) = slot{at: at}
	}
	*r.slot(seq) = slot{packet: p, got: true, at: at}
}

// drop forgets what came up to now; the window goes on at seq. Nothing may be
// waiting in it.
func (r *reorder) drop(seq int64) {
	clear(r.slots)
	r.next, r.high = seq, seq-1
}
