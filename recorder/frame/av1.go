package frame

import (
	"encoding/binary"
	"errors"

	"github.com/sealtape/sealtape/recorder/media"
)

// av1Format: the AOM's "RTP Payload Format For AV1", version 1.0. A frame is a
// temporal unit, all spatial layers included, without its delimiter; every OBU
// has a size, as containers want. livekit-client cannot encrypt AV1.
var av1Format = format{
	depacketizer: func() depacketizer { return new(av1Depacketizer) },
	key:          func(unit []byte) bool { return media.Describe(media.AV1, unit).Key },
}

var errAV1 = errors.New("malformed AV1 payload")

const (
	obuDelimiter = 2
	obuTileList  = 8
)

// av1Depacketizer joins OBU fragments.
type av1Depacketizer struct {
	parts [][]byte // of an OBU that goes on in the next packet
	size  int
}

// place: the first bit of the aggregation header, Z, says that the packet goes
// on with a fragment, the fifth, N, that a coded video sequence starts.
func (d *av1Depacketizer) place(payload []byte, marker bool, at position) (first, last bool, err error) {
	if len(payload) < 2 {
		return false, marker, errAV1
	}
	goesOn, start := payload[0]&0x80 != 0, payload[0]&0x08 != 0
	return !goesOn && (at.afterEnd || start && !at.underway), marker, nil
}

func (d *av1Depacketizer) pieces(dst [][]byte, payload []byte) ([][]byte, error) {
	if len(payload) < 2 {
		return dst, errAV1
	}
	head, rest := payload[0], payload[1:]
	goesOn, open, count := head&0x80 != 0, head&0x40 != 0, int(head>>4&3)
	if goesOn != (len(d.parts) > 0) {
		return dst, errAV1
	}
	for i := 1; len(rest) > 0; i++ {
		element := rest
		if count == 0 || i < count { // the last of a known number has no length
			size, n := binary.Uvarint(rest)
			if n <= 0 || n > 8 || size > uint64(len(rest)-n) {
				return dst, errAV1
			}
			element, rest = rest[n:n+int(size)], rest[n+int(size):]
		} else {
			rest = nil
		}
		if len(element) > 0 {
			d.parts = append(d.parts, element)
			d.size += len(element)
		}
		if len(rest) == 0 && open {
			if len(d.parts) == 0 {
				return dst, errAV1
			}
			return dst, nil
		}
		var err error
		if dst, err = d.obu(dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// obu appends the OBU whose parts are all there, with a size.
func (d *av1Depacketizer) obu(dst [][]byte) ([][]byte, error) {
	parts, size := d.parts, d.size
	d.parts, d.size = nil, 0
	if size == 0 {
		return dst, nil
	}
	head := parts[0][0]
	if head&0x80 != 0 {
		return dst, errAV1
	}
	if kind := head >> 3 & 15; kind == obuDelimiter || kind == obuTileList {
		return dst, nil
	}
	if head&2 != 0 { // it has a size already
		return append(dst, parts...), nil
	}
	n := 1 + int(head>>2&1) // an extension
	if size < n {
		return dst, errAV1
	}
	header := append(make([]byte, 0, n+10), head|2)
	if n == 2 {
		if len(parts[0]) > 1 {
			header, parts[0] = append(header, parts[0][1]), parts[0][2:]
		} else {
			header, parts[0], parts[1] = append(header, parts[1][0]), nil, parts[1][1:]
		}
	} else {
		parts[0] = parts[0][1:]
	}
	return append(append(dst, binary.AppendUvarint(header, uint64(size-n))), parts...), nil
}

func (d *av1Depacketizer) reset() { d.parts, d.size = nil, 0 }

func (d *av1Depacketizer) whole() bool { return len(d.parts) == 0 }
