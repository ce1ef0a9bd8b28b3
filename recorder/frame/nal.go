package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// What H.264 and H.265 have in common: a frame is NAL units behind start codes.
// Publishers may write start codes of three or four bytes; what comes out of
// RTP has four, as in every other receiver.

var startCode = []byte{0, 0, 0, 1}

var errNAL = errors.New("malformed payload of NAL units")

// clearNAL is how much of the first slice stays in the clear: its header and,
// of H.264, a byte of the slice header (livekit-client, naluUtils.ts).
const clearNAL = 2

// firstSlice returns where the first NAL unit that is a slice begins, behind
// its start code, and -1 if there is none. In an encrypted frame nothing behind
// it can be a start code: see escape.
func firstSlice(frame []byte, slice func(header byte) bool) int {
	for from := 0; ; {
		i := bytes.Index(frame[from:], startCode[1:])
		if i < 0 {
			return -1
		}
		if from += i + 3; from < len(frame) && slice(frame[from]) {
			return from
		}
	}
}

// nalHeader returns the length of the clear header: all up to the first slice,
// whose start too; more than the frame has if there is no slice.
func nalHeader(slice func(byte) bool) func([]byte) int {
	return func(frame []byte) int {
		if i := firstSlice(frame, slice); i >= 0 {
			return i + clearNAL
		}
		return len(frame) + 1
	}
}

// maxVariants bounds the guesses at a header.
const maxVariants = 8

// headerVariants returns what else a publisher may have authenticated as the
// header: encoders write start codes of four bytes for the first NAL units and
// of three for the rest, or three for all, and only newer livekit-clients (2.23,
// normalizeAnnexBStartCodes) write four before they encrypt.
func headerVariants(header []byte) (variants [][]byte) {
	for from := len(header); len(variants) < maxVariants; {
		from = bytes.LastIndex(header[:from], startCode)
		if from < 0 {
			break
		}
		short := bytes.ReplaceAll(header[from:], startCode, startCode[1:])
		variants = append(variants, append(bytes.Clone(header[:from]), short...))
	}
	return variants
}

// fourByteCodes returns the header with start codes of four bytes.
func fourByteCodes(header []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(header, startCode, startCode[1:]), startCode[1:], startCode)
}

// escape appends b with emulation prevention (H.264, section 7.4.1): a 3 before
// every byte up to 3 that follows two zeros, so that there is no start code
// in it.
func escape(dst, b []byte) []byte {
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c <= 3 {
			dst = append(dst, 3)
			zeros = 0
		}
		if dst = append(dst, c); c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return dst
}

// unescape undoes escape. It appends to dst, or returns b if there is nothing
// to undo.
func unescape(dst, b []byte) []byte {
	escaped := []byte{0, 0, 3}
	i := bytes.Index(b, escaped)
	if i < 0 {
		return b
	}
	for ; i >= 0; i = bytes.Index(b, escaped) {
		dst = append(dst, b[:i+2]...)
		b = b[i+3:]
	}
	return append(dst, b...)
}

// A nalPayload says how a codec's payload format puts NAL units into packets.
type nalPayload struct {
	header      int                               // bytes of a NAL unit's header
	kind        func(b byte) byte                 // NAL unit type by the first byte
	aggregate   byte                              // type of a packet of several NAL units
	fragment    byte                              // type of a packet of a part of one
	unsupported byte                              // types from here on are malformed, but for the two
	rebuild     func(payload []byte) (nal []byte) // header of a fragmented NAL unit
	first       func(kind byte) bool              // types that only begin a frame
}

// nalDepacketizer undoes RFC 6184 and RFC 7798, without interleaving and DONL,
// which WebRTC does not use.
type nalDepacketizer struct {
	*nalPayload
	open bool // a fragmented NAL unit has begun and not ended
}

func (d *nalDepacketizer) place(payload []byte, marker bool, at position) (first, last bool, err error) {
	if len(payload) <= d.header {
		return false, marker, errNAL
	}
	first = at.afterEnd
	if !first && !at.underway {
		// After a hole nothing says where a frame begins, unless it begins with
		// what can only stand there.
		kind := d.kind(payload[0])
		if kind == d.aggregate && len(payload) > d.header+2 {
			kind = d.kind(payload[d.header+2])
		}
		first = d.first(kind)
	}
	return first, marker, nil
}

func (d *nalDepacketizer) pieces(dst [][]byte, payload []byte) ([][]byte, error) {
	if len(payload) <= d.header {
		return dst, errNAL
	}
	switch kind := d.kind(payload[0]); {
	case kind == d.fragment:
		if len(payload) <= d.header+1 {
			return dst, errNAL
		}
		start, end := payload[d.header]&0x80 != 0, payload[d.header]&0x40 != 0
		if start == d.open {
			return dst, errNAL
		}
		if start {
			dst = append(dst, startCode, d.rebuild(payload))
		}
		d.open = !end
		return append(dst, payload[d.header+1:]), nil
	case d.open:
		return dst, errNAL
	case kind == d.aggregate:
		for rest := payload[d.header:]; len(rest) > 0; {
			if len(rest) < 2 {
				return dst, errNAL
			}
			n := int(binary.BigEndian.Uint16(rest))
			if n < d.header || n > len(rest)-2 {
				return dst, errNAL
			}
			dst = append(dst, startCode, rest[2:2+n:2+n])
			rest = rest[2+n:]
		}
		return dst, nil
	case kind >= d.unsupported:
		return dst, errNAL
	}
	return append(dst, startCode, payload), nil
}

func (d *nalDepacketizer) reset() { d.open = false }

func (d *nalDepacketizer) whole() bool { return !d.open }
