package frame

import "errors"

// vp9Format: RFC 9628. A frame here is what was encrypted by itself: one spatial
// layer of a picture. Nothing of it is in the clear, so whether it is a key
// frame is read from the payload descriptor. The marker is on a picture's last
// layer.
var vp9Format = format{
	depacketizer: func() depacketizer { return new(vp9Depacketizer) },
	header:       func([]byte) int { return 0 },
}

var errVP9 = errors.New("malformed VP9 payload")

// A vp9Descriptor holds what assembly needs of the payload descriptor of RFC
// 9628, section 4.2.
type vp9Descriptor struct {
	predicted  bool // P: it refers to earlier pictures
	start, end bool // B, E: the packet starts, ends a layer's frame
	dependent  bool // D: it refers to a lower layer
	spatial    uint8
}

// parseVP9Descriptor returns the descriptor and its length. What follows it is
// at least one byte.
func parseVP9Descriptor(payload []byte) (d vp9Descriptor, n int, err error) {
	p := payload
	next := func() (b byte) {
		if n++; n > len(p) {
			return 0
		}
		return p[n-1]
	}
	head := next()
	d.predicted, d.start, d.end = head&0x40 != 0, head&0x08 != 0, head&0x04 != 0
	flexible := head&0x10 != 0
	if head&0x80 != 0 && next()&0x80 != 0 { // I: picture ID of 7 or 15 bits
		next()
	}
	if head&0x20 != 0 { // L: layer indexes
		layer := next()
		d.spatial, d.dependent = layer>>1&7, layer&1 != 0
		if !flexible {
			next() // TL0PICIDX
		}
	}
	if flexible && d.predicted { // up to three reference indexes
		for i := 0; next()&1 != 0; i++ {
			if i == 2 {
				return d, 0, errVP9
			}
		}
	}
	if head&0x02 != 0 { // V: scalability structure
		s := next()
		if s&0x10 != 0 { // Y: sizes
			n += 4 * (int(s>>5) + 1)
		}
		if s&0x08 != 0 { // G: picture group
			for range next() {
				n += int(next() >> 2 & 3)
			}
		}
	}
	if n >= len(p) {
		return d, 0, errVP9
	}
	return d, n, nil
}

type vp9Depacketizer struct{ isKey bool }

func (d *vp9Depacketizer) place(payload []byte, marker bool, _ position) (first, last bool, err error) {
	v, _, err := parseVP9Descriptor(payload)
	if err != nil {
		return false, marker, err
	}
	if v.start {
		d.isKey = !v.predicted && !v.dependent && v.spatial == 0
	}
	return v.start, v.end || marker, nil
}

func (d *vp9Depacketizer) pieces(dst [][]byte, payload []byte) ([][]byte, error) {
	_, n, err := parseVP9Descriptor(payload)
	if err != nil {
		return dst, err
	}
	return append(dst, payload[n:]), nil
}

func (d *vp9Depacketizer) reset() {}

func (d *vp9Depacketizer) whole() bool { return true }

// key says what the last frame's descriptor said.
func (d *vp9Depacketizer) key() bool { return d.isKey }
