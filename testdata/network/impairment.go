package network

import "time"

// An Impairment is what one direction does to its packets. Probabilities are of
// each packet, from 0 to 1. The zero Impairment does nothing.
type Impairment struct {
	// Loss drops packets independently of one another.
	Loss float64
	// Burst drops runs of packets.
	Burst Burst
	// Duplicate sends a packet twice, the second one up to 20 ms later.
	Duplicate float64
	// Reorder holds a packet back for ReorderBy, so that later ones overtake it.
	Reorder   float64
	ReorderBy time.Duration
	// Delay is the way's length: half of the round-trip time it adds. Jitter
	// adds up to so much to it, without reordering.
	Delay, Jitter time.Duration
	// Rate caps the bandwidth, in bits a second; 0 is no cap. Packets queue for
	// up to half a second and are dropped beyond.
	Rate int
}

// A Burst is the model of Gilbert and Elliott: a channel that is good until a
// packet turns it bad, and bad until a packet turns it good.
type Burst struct {
	Enter, Leave float64 // of a good packet, to turn it bad; of a bad one, to turn it good
	Loss         float64 // of a packet while it is bad
}

// A Kind is what a packet carries, by its first bytes (RFC 7983, RFC 5761).
type Kind int

const (
	RTP Kind = iota
	RTCP
	STUN
	Other // DTLS, and in it SCTP
	kinds // how many there are
)

// String returns the kind's name.
func (k Kind) String() string { return [...]string{"RTP", "RTCP", "STUN", "other"}[k] }

func kindOf(p []byte) Kind {
	switch {
	case len(p) < 2:
		return Other
	case p[0] < 4:
		return STUN
	case p[0] < 128 || p[0] > 191:
		return Other
	case p[1] >= 192 && p[1] < 224:
		return RTCP
	}
	return RTP
}

// Counts say what became of a direction's packets, by kind.
type Counts struct {
	Came       int
	Passed     [kinds]int // sent on, duplicates included
	Dropped    [kinds]int // for a loss, a burst, a full queue or a cut
	Duplicated int
	Reordered  int
}
