package frame

import (
	"errors"

	"github.com/pion/rtp"
)

var errRED = errors.New("malformed RED payload")

// maxRedundant is how many earlier frames of a RED packet are looked at:
// browsers send one or two.
const maxRedundant = 8

// A redBlock is one frame in a RED payload.
type redBlock struct {
	kind   byte   // payload type
	offset uint32 // how much older it is than the packet, in ticks
	data   []byte
}

// parseRED parses a payload of redundant audio (RFC 2198, section 3): the frames
// of earlier packets, oldest first, and then the packet's own. It appends them to
// dst. data aliases payload and may be empty.
func parseRED(dst []redBlock, payload []byte) ([]redBlock, error) {
	start := len(dst)
	var sizes [maxRedundant]int
	for {
		if len(payload) == 0 {
			return dst[:start], errRED
		}
		head := payload[0]
		if head&0x80 == 0 { // F: the last header
			dst = append(dst, redBlock{kind: head & 0x7f})
			payload = payload[1:]
			break
		}
		n := len(dst) - start
		if len(payload) < 4 || n == maxRedundant {
			return dst[:start], errRED
		}
		sizes[n] = int(payload[2]&3)<<8 | int(payload[3])
		dst = append(dst, redBlock{kind: head & 0x7f, offset: uint32(payload[1])<<6 | uint32(payload[2])>>2})
		payload = payload[4:]
	}
	for i := start; i < len(dst); i++ {
		size := len(payload)
		if i < len(dst)-1 {
			size = sizes[i-start]
		}
		if size > len(payload) {
			return dst[:start], errRED
		}
		dst[i].data, payload = payload[:size:size], payload[size:]
	}
	return dst, nil
}

// unpackRED leaves the packet's own frame in p and returns the earlier ones. A
// malformed payload leaves nothing, so the packet counts as padding.
func (a *Assembler) unpackRED(p *rtp.Packet) []redBlock {
	blocks, err := parseRED(a.blocks[:0], p.Payload)
	if a.blocks = blocks; err != nil {
		p.Payload = nil
		return nil
	}
	own := blocks[len(blocks)-1]
	p.Payload = own.data
	return blocks[:len(blocks)-1]
}

// fill puts the frames that p, at seq, repeats into the places of missing
// packets. A sender repeats the packets just before, one frame each.
func (a *Assembler) fill(p *rtp.Packet, seq, at int64, earlier []redBlock) {
	w := &a.window
	for i, b := range earlier {
		missing := seq - int64(len(earlier)-i)
		if missing < w.next || missing > w.high || len(b.data) == 0 || b.offset == 0 || w.slot(missing).got {
			continue
		}
		ts := p.Timestamp - b.offset
		// It has to lie between what came before and after it.
		if n := w.slot(missing + 1).packet; n != nil && int32(n.Timestamp-ts) <= 0 {
			continue
		}
		before, known := uint32(a.timestamp), a.timestampOK
		if missing > w.next {
			if n := w.slot(missing - 1).packet; n != nil {
				before, known = n.Timestamp, true
			}
		}
		if known && int32(ts-before) <= 0 {
			continue
		}
		h := p.Header
		h.SequenceNumber, h.Timestamp, h.Marker = uint16(missing), ts, false
		w.place(&rtp.Packet{Header: h, Payload: b.data}, missing, at)
		a.stats.Recovered++
	}
}
