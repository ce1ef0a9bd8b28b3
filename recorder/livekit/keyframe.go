package livekit

import "time"

const (
	// serverAsks is how long only the server asks a new track's sender for the
	// key frame that it begins to forward with. A request of ours would do harm:
	// between a request and the next key frame the server answers no NACK
	// (retransmitPackets in pkg/sfu/downtrack.go of livekit-server), and a lost
	// packet of the first key frame would stay lost.
	serverAsks = time.Second
	// patience is how long a packet may be missing before we ask for a key frame.
	// The server resends the packet up to three times, at least 100 ms apart, and
	// is done by then unless it is far away. patience is well below the
	// recorder's hold, so that the key frame is there when the packet is given
	// up.
	patience = 500 * time.Millisecond
	// askAgain is when a request, or its key frame, counts as lost.
	askAgain = 600 * time.Millisecond
	// givenUp is when the recorder has certainly given up a packet: from then on
	// the recorder asks.
	givenUp = 3 * time.Second
	// maxMissing is the most packets that are tracked as missing, newest first.
	maxMissing = 256
)

// A keyAsker decides when to ask a track's sender for a key frame: when a packet
// stays missing, and when the recorder wants one. It does not ask while a key
// frame is on its way or has just come, since that would cost the key frame its
// own repair. It recognizes key frames of VP8 only; for other codecs it follows
// the recorder's wishes only. It is not safe for concurrent use.
type keyAsker struct {
	began   time.Time // when the track was subscribed to
	asked   time.Time // the last request
	key     time.Time // when the last key frame began to come
	healed  time.Time // when a key frame replaced missing packets
	pending bool      // the recorder has wanted a key frame since the last one came

	started bool
	high    uint16 // the highest sequence number that came
	missing []missing
}

type missing struct {
	seq   uint16
	since time.Time
}

// packet handles the track's next packet in order of arrival, and reports whether
// to ask now.
func (k *keyAsker) packet(seq uint16, key bool, now time.Time) bool {
	switch ahead := seq - k.high; {
	case !k.started:
		k.started, k.high = true, seq
	case ahead == 0 || ahead >= 0x8000:
		for i := range k.missing {
			if k.missing[i].seq == seq {
				k.missing = append(k.missing[:i], k.missing[i+1:]...)
				break
			}
		}
	default:
		for s := max(ahead, maxMissing) - maxMissing + 1; s < ahead; s++ {
			if len(k.missing) == maxMissing {
				k.missing = append(k.missing[:0], k.missing[1:]...)
			}
			k.missing = append(k.missing, missing{k.high + s, now})
		}
		k.high = seq
	}
	if key {
		k.key, k.pending = now, false
		// Packets from before a key frame are not needed.
		n := 0
		for _, m := range k.missing {
			if m.seq-seq < 0x8000 {
				k.missing[n] = m
				n++
			}
		}
		if n < len(k.missing) {
			k.healed = now
		}
		k.missing = k.missing[:n]
	}
	for len(k.missing) > 0 && now.Sub(k.missing[0].since) >= givenUp {
		k.missing = append(k.missing[:0], k.missing[1:]...)
	}
	overdue := len(k.missing) > 0 && now.Sub(k.missing[0].since) >= patience
	return (overdue || k.pending && now.Sub(k.key) >= patience) && k.ask(now)
}

// want notes that the recorder wants a key frame, and reports whether to ask now.
func (k *keyAsker) want(now time.Time) bool {
	if now.Sub(k.healed) < 2*patience {
		return false // what was given up is older than a key frame that has come
	}
	k.pending = true
	return now.Sub(k.key) >= patience && k.ask(now)
}

func (k *keyAsker) ask(now time.Time) bool {
	if now.Sub(k.began) < serverAsks || now.Sub(k.asked) < askAgain {
		return false
	}
	k.asked, k.pending = now, false
	return true
}

// vp8Key reports whether a VP8 payload begins a key frame (RFC 7741, section
// 4.2 and 4.3).
func vp8Key(p []byte) bool {
	if len(p) < 1 || p[0]&0x17 != 0x10 { // the start of partition 0
		return false
	}
	n := 1
	if p[0]&0x80 != 0 && len(p) > 1 {
		x := p[1]
		n++
		if x&0x80 != 0 && len(p) > n {
			n += 1 + int(p[n]>>7)
		}
		n += int(x>>6&1) + int((x>>5|x>>4)&1)
	}
	return len(p) > n && p[n]&1 == 0
}
