// Package opus keeps runs of Opus packets true to real time.
//
// A decoder plays one packet directly after the other and ignores times. Ogg has only
// a running length, and browsers count samples from where they last began. So holes
// must be filled with silence. A sender with a fast clock sends too much, and that
// must be left out. Otherwise sound and picture drift apart by all that was ever
// missing.
package opus

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// Behind is how far a run may fall behind the clock before silence is added.
	// Ahead is how far it may run ahead of the clock before a packet is left out.
	// The drift of a sender's clock stays between the two.
	Behind = 10 * time.Millisecond
	Ahead  = 15 * time.Millisecond

	// MaxPacket is the longest duration of a packet (RFC 6716, section 3.2.5).
	MaxPacket = 120 * time.Millisecond
	// shortest is the shortest duration of a packet.
	shortest = 2500 * time.Microsecond
)

// A Run is a run of packets, one directly after the other. Its value is the time at
// which the next packet will play.
type Run time.Duration

// Place returns what to do with the packet f. keep is false if f is no Opus packet, or
// if the run is past its time already. If keep is true, silence of the length fill
// (see Silence) comes before f. A fill of 0 means that there is no hole before it.
// Place does not move the run.
func (r Run) Place(f media.Frame) (fill time.Duration, keep bool) {
	lasts := media.OpusDuration(f.Data)
	end := time.Duration(r)
	if lasts == 0 || end-f.Time > max(Ahead, lasts/2) {
		return 0, false
	}
	if f.Time-end >= Behind {
		fill = f.Time - end
	}
	return fill, true
}

// Add moves the run past a packet.
func (r *Run) Add(packet []byte) { *r += Run(media.OpusDuration(packet)) }

// Silence returns packets of silence that together last d, rounded down to a multiple
// of 2.5 ms.
func Silence(d time.Duration, stereo bool) (packets [][]byte) {
	for d >= shortest {
		p := Silent(d, stereo)
		packets = append(packets, p)
		d -= media.OpusDuration(p)
	}
	return packets
}

// Silent returns the longest packet of silence that lasts no longer than d. d must be
// 2.5 ms or more. The frames of the packet are CELT, fullband (RFC 6716, table 2,
// configurations 28 to 31), and have only the silence flag (section 4.3).
func Silent(d time.Duration, stereo bool) []byte {
	const ms = time.Millisecond
	var toc byte
	if stereo {
		toc = 0x04
	}
	switch {
	case d >= MaxPacket:
		// Six frames of 20 ms, of one length.
		p := []byte{toc | 31<<3 | 3, 6}
		for range 6 {
			p = append(p, 0xff, 0xfe)
		}
		return p
	case d >= 20*ms:
		toc |= 31 << 3
	case d >= 10*ms:
		toc |= 30 << 3
	case d >= 5*ms:
		toc |= 29 << 3
	default:
		toc |= 28 << 3
	}
	return []byte{toc, 0xff, 0xfe}
}
