package media

import "iter"

// OBU types of AV1, section 6.2.2.
const (
	obuSequence    = 1
	obuDelimiter   = 2
	obuFrameHeader = 3
	obuFrame       = 6
)

// obus yields type and payload of the OBUs of a temporal unit, and the whole
// OBU. All must have a size, as they have in containers; it stops at the first
// that does not, or is malformed.
func obus(b []byte) iter.Seq2[obu, []byte] {
	return func(yield func(obu, []byte) bool) {
		for len(b) > 0 {
			head := b[0]
			n := 1 + int(head>>2&1)
			if head&0x80 != 0 || head&2 == 0 || n > len(b) {
				return
			}
			size, m := leb128(b[n:])
			if m == 0 || size > uint64(len(b)-n-m) {
				return
			}
			end := n + m + int(size)
			if !yield(obu{kind: head >> 3 & 15, payload: b[n+m : end]}, b[:end]) {
				return
			}
			b = b[end:]
		}
	}
}

type obu struct {
	kind    byte
	payload []byte
}

// leb128 decodes the number of AV1, section 4.10.5, that b begins with, and its
// length; 0 if there is none.
func leb128(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		v |= uint64(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return v, n
		}
	}
	return 0, 0
}

// describeAV1: a temporal unit is a key frame if it has a sequence header and
// its first frame is a shown key frame (AV1, section 7.6.1).
func describeAV1(unit []byte) (p Picture) {
	var s av1Sequence
	var ok bool
	for o, whole := range obus(unit) {
		switch o.kind {
		case obuSequence:
			if s, ok = parseAV1Sequence(o.payload); ok {
				p.Width, p.Height = s.width, s.height
				p.Private = s.av1C(whole)
			}
		case obuFrameHeader, obuFrame:
			if !ok || len(o.payload) == 0 {
				return p
			}
			// show_existing_frame 0, frame_type 00 (key), show_frame 1.
			p.Key = s.still || o.payload[0]>>4 == 1
			return p
		}
	}
	return p
}

type av1Sequence struct {
	still              bool // reduced_still_picture_header
	profile            uint32
	level, tier        uint32
	width, height      int
	high, twelve, mono uint32
	subX, subY, pos    uint32
}

// parseAV1Sequence reads a sequence header (AV1, section 5.5).
func parseAV1Sequence(b []byte) (s av1Sequence, ok bool) {
	r := &bitReader{data: b}
	s.profile = r.bits(3)
	r.skip(1)
	if s.still = r.flag(); s.still {
		s.level = r.bits(5)
	} else {
		s.points(r)
	}
	wbits, hbits := int(r.bits(4))+1, int(r.bits(4))+1
	s.width, s.height = int(r.bits(wbits))+1, int(r.bits(hbits))+1
	if !s.still && r.flag() { // frame_id_numbers_present_flag
		r.skip(7)
	}
	r.skip(3)
	if !s.still {
		r.skip(4)
		if r.flag() { // enable_order_hint
			r.skip(2)
			s.tools(r)
			r.skip(3)
		} else {
			s.tools(r)
		}
	}
	r.skip(3)
	s.color(r)
	return s, !r.short && s.profile <= 2
}

// points reads the timing information and the operating points; the first one
// counts.
func (s *av1Sequence) points(r *bitReader) {
	delayBits, model := 0, false
	if r.flag() { // timing_info_present_flag
		r.skip(64)
		if r.flag() {
			r.uvlc()
		}
		if model = r.flag(); model {
			delayBits = int(r.bits(5)) + 1
			r.skip(32 + 10)
		}
	}
	display := r.flag()
	for i := range int(r.bits(5)) + 1 {
		r.skip(12)
		level, tier := r.bits(5), uint32(0)
		if level > 7 {
			tier = r.bit()
		}
		if model && r.flag() {
			r.skip(2*delayBits + 1)
		}
		if display && r.flag() {
			r.skip(4)
		}
		if i == 0 {
			s.level, s.tier = level, tier
		}
	}
}

// tools reads the choice of screen content tools and integer motion vectors.
func (s *av1Sequence) tools(r *bitReader) {
	screen := uint32(2) // SELECT_SCREEN_CONTENT_TOOLS
	if !r.flag() {
		screen = r.bit()
	}
	if screen > 0 && !r.flag() {
		r.skip(1)
	}
}

func (s *av1Sequence) color(r *bitReader) {
	s.high = r.bit()
	if s.profile == 2 && s.high == 1 {
		s.twelve = r.bit()
	}
	if s.profile != 1 {
		s.mono = r.bit()
	}
	primaries, transfer, matrix := uint32(2), uint32(2), uint32(2)
	if r.flag() {
		primaries, transfer, matrix = r.bits(8), r.bits(8), r.bits(8)
	}
	s.subX, s.subY = 1, 1
	switch {
	case s.mono == 1:
	case primaries == 1 && transfer == 13 && matrix == 0: // sRGB
		s.subX, s.subY = 0, 0
	default:
		r.skip(1)
		switch {
		case s.profile == 1:
			s.subX, s.subY = 0, 0
		case s.profile == 2 && s.twelve == 1:
			if s.subX = r.bit(); s.subX == 1 {
				s.subY = r.bit()
			} else {
				s.subY = 0
			}
		case s.profile == 2:
			s.subY = 0
		}
		if s.subX == 1 && s.subY == 1 {
			s.pos = r.bits(2)
		}
	}
}

// av1C returns the AV1CodecConfigurationRecord (AV1 in ISOBMFF, section 2.3)
// with the sequence header as it came.
func (s *av1Sequence) av1C(header []byte) string {
	if 4+len(header) > MaxPrivate {
		return ""
	}
	b := []byte{0x81, byte(s.profile<<5 | s.level),
		byte(s.tier<<7 | s.high<<6 | s.twelve<<5 | s.mono<<4 | s.subX<<3 | s.subY<<2 | s.pos), 0}
	return string(append(b, header...))
}
