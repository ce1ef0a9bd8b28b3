// Package opus keeps runs of Opus packets true to real time.
//
// A decoder puts one packet's sound after the other's and takes no notice of
// times: Ogg has none but a running length, and browsers count samples from
// where they last began. Holes must therefore be filled, and what a sender whose
// clock is fast sends too much be left out, or sound and picture drift apart by
// as much as was ever missing.
package opus

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// Behind is how far a run may fall behind the clock before silence is put
	// in, Ahead how far it may run ahead before a packet is left out. Clocks of
	// senders that drift end within these.
	Behind = 10 * time.Millisecond
	Ahead  = 15 * time.Millisecond

	// MaxPacket is how long a packet lasts at most (RFC 6716, section 3.2.5).
	MaxPacket = 120 * time.Millisecond
	// shortest is how long one lasts at least.
	shortest = 2500 * time.Microsecond
)

// A Run is a run of packets, one after the other. Its value is where the next
// one will play.
type Run time.Duration

// Place says what becomes of the packet f: keep is false if it is no Opus, or
// the run is past it already. Else it comes after silence for fill, see Silence,
// which is 0 if there is no hole before it. Place does not move the run.
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

// Silence returns packets of silence that last d, down to a multiple of 2.5 ms:
// less than that is left of d.
func Silence(d time.Duration, stereo bool) (packets [][]byte) {
	for d >= shortest {
		p := Silent(d, stereo)
		packets = append(packets, p)
		d -= media.OpusDuration(p)
	}
	return packets
}

// Silent returns the longest packet of silence that lasts no longer than d,
// which is 2.5 ms or more. Its frames are CELT, fullband (RFC 6716 table 2,
// configurations 28 to 31) and hold the silence flag alone (section 4.3).
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
