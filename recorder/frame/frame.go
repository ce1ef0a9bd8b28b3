// Package frame turns the RTP packets of one track into encoded frames and
// undoes LiveKit's end-to-end encryption of them.
//
// A track runs through two parts, both driven by the caller, neither with a
// goroutine or a clock of its own:
//
//	packets -> Assembler (order, holes, frames) -> Decrypter (keys, replays) -> media
//
// If a publisher offers frame metadata, [StripTrailer] comes between the two; it
// does no harm to other encrypted frames.
//
// An [Assembler] puts packets in order, waits a bounded time for missing ones
// and joins the packets of a frame. It never invents and never hides: what it
// hands out is a whole frame, a declared hole ([UnitLost]) or a note that the
// server put in a frame of its own ([UnitSIF]). It comes first because the
// encryption covers frames, not packets: a frame that misses one byte does not
// authenticate.
//
// A [Decrypter] opens frames with the keys of a [Keyring]. What it returns was
// written by somebody who holds the key, once. Everything else is an error:
// a frame without a key ([ErrNoKey]), a forged or damaged one ([ErrAuth]), one
// that is not encrypted at all ([ErrShort]) and one seen before ([ErrReplay]).
// Nothing in the scheme binds a frame to a participant, a track, a time or an
// order, so a server that holds old frames of the same key can still swap
// tracks, leave frames out or play them late. Replays are found per track only.
//
// The frame layout, key derivations and server-injected frames follow
// livekit-client 2.23 (src/e2ee/worker/FrameCryptor.ts, src/e2ee/utils.ts) and
// livekit-server 1.11 (pkg/sfu/downtrack.go).
package frame

import "time"

// A UnitKind says what a [Unit] is.
type UnitKind uint8

const (
	// UnitFrame is a whole frame, still encrypted in an encrypted room.
	UnitFrame UnitKind = iota + 1
	// UnitSIF is a server-injected frame: silence or a blank picture that the
	// server sends at a mute or at a track's end. It is never media.
	UnitSIF
	// UnitLost is a hole: packets that never came, or packets that did not
	// make a frame.
	UnitLost
)

// String returns the kind's name.
func (k UnitKind) String() string {
	switch k {
	case UnitFrame:
		return "frame"
	case UnitSIF:
		return "sif"
	case UnitLost:
		return "lost"
	}
	return "unknown"
}

// A Unit is what an [Assembler] hands out. Units come in sequence order; their
// ranges of sequence numbers do not overlap.
type Unit struct {
	Kind UnitKind
	// Data is the frame of a UnitFrame, never empty, owned by the receiver. It
	// is nil for other kinds.
	Data []byte
	// Timestamp is the RTP timestamp in ticks of the codec's clock, extended to
	// 64 bits: it starts at the 32-bit value of the first packet and does not
	// wrap. A hole has the timestamp of the frame it broke, else of the packet
	// after it.
	Timestamp int64
	// Arrival is when the unit's first packet came; for a hole without any
	// packet, when the one after it came.
	Arrival time.Time
	// Marker is the RTP marker of the unit's last packet. For Opus it starts a
	// talk spurt. Units of VP9 are the spatial layers of a picture, and it is on
	// the last.
	Marker bool
	// Key marks a frame that decodes without an earlier one. It is read from the
	// clear part of the frame, of VP9 from the payload format, so it is not
	// authenticated before decryption.
	Key bool
	// FirstSeq and LastSeq bound the unit's packets: RTP sequence numbers,
	// extended to 64 bits as Timestamp is.
	FirstSeq, LastSeq int64
	// Lost is how many packets a UnitLost misses. 0 means that the packets are
	// there but make no frame, or that the sender restarted its sequence and the
	// number is not known.
	Lost int
	// Known tells for a UnitSIF that its payload is one of those the server is
	// known to send. If not, somebody used the room's trailer to pass bytes by
	// the encryption: an integrity event.
	Known bool
}

// Stats counts what an [Assembler] saw since it was made.
type Stats struct {
	Packets    uint64 // packets pushed
	Duplicates uint64 // packets that had come before, dropped
	Late       uint64 // packets that came after their hole was given up, dropped
	Reordered  uint64 // packets that came out of order and in time
	Recovered  uint64 // missing packets that a later one repeated (RED)
	Lost       uint64 // packets given up; a late one is counted in both
	Padding    uint64 // packets without payload: probes, no loss
	Restarts   uint64 // jumps back of the sequence that turned out to be a new start
	Switches   uint64 // changes of the SSRC
	Frames     uint64 // whole frames
	SIF        uint64 // server-injected frames
	UnknownSIF uint64 // those of them with an unknown payload
	Broken     uint64 // frames of which something came and something was missing or malformed
	Overflow   uint64 // units turned into a hole because nobody popped them
}
