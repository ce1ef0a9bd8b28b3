package media

import "encoding/binary"

// NAL unit types of H.265, table 7-1.
const (
	h265BLA = 16 // the first that is a random access point
	h265CRA = 21 // the last
	h265VPS = 32
	h265SPS = 33
	h265PPS = 34
)

func describeH265(frame []byte) (p Picture) {
	var sets [3][][]byte
	for nal := range nals(frame) {
		if len(nal) < 3 {
			continue
		}
		switch kind := nal[0] >> 1 & 0x3f; {
		case kind >= h265BLA && kind <= h265CRA:
			p.Key = true
		case kind >= h265VPS && kind <= h265PPS:
			sets[kind-h265VPS] = append(sets[kind-h265VPS], nal)
		}
	}
	if len(sets[1]) > 0 {
		s := parseH265SPS(sets[1][0])
		p.Width, p.Height = s.width, s.height
		p.Private = hvcC(s, sets)
	}
	return p
}

type h265Sequence struct {
	width, height int
	general       []byte // profile, tier and level, 12 bytes
	layers        uint32 // temporal
	nested        uint32
	chroma
}

// parseH265SPS reads a sequence parameter set (H.265, section 7.3.2.2.1) up to
// the bit depths; the size is 0 if it is malformed.
func parseH265SPS(nal []byte) (s h265Sequence) {
	r := &bitReader{data: rbsp(nal)}
	r.skip(16 + 4)
	sub := int(r.bits(3)) // sps_max_sub_layers_minus1
	s.layers = uint32(sub) + 1
	s.nested = r.bit()
	if len(r.data) < 3+12 {
		return s
	}
	s.general = r.data[3 : 3+12]
	r.skip(96)
	var profile, level [8]bool
	for i := range sub {
		profile[i], level[i] = r.flag(), r.flag()
	}
	if sub > 0 {
		r.skip(2 * (8 - sub))
	}
	for i := range sub {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
	r.ue() // sps_seq_parameter_set_id
	s.format = byte(r.ue() & 3)
	separate := s.format == 3 && r.flag()
	w, h := r.ue(), r.ue()
	var left, right, top, bottom int
	if r.flag() {
		left, right, top, bottom = r.ue(), r.ue(), r.ue(), r.ue()
	}
	s.luma, s.chroma.chroma = byte(r.ue()&7), byte(r.ue()&7)
	if r.short || w > 1<<16 || h > 1<<16 {
		return s
	}
	unitX, unitY := 1, 1
	if !separate && (s.format == 1 || s.format == 2) {
		unitX = 2
	}
	if !separate && s.format == 1 {
		unitY = 2
	}
	s.width, s.height, s.chroma = cropped(w, h, (left+right)*unitX, (top+bottom)*unitY, s.chroma)
	return s
}

// hvcC returns the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, section
// 8.3.3.1), empty if the parameter sets make none.
func hvcC(s h265Sequence, sets [3][][]byte) string {
	if s.width == 0 || len(sets[0]) == 0 || len(sets[2]) == 0 {
		return ""
	}
	b := append([]byte{1}, s.general...)
	b = append(b, 0xf0, 0, 0xfc, 0xfc|s.format, 0xf8|s.luma, 0xf8|s.chroma.chroma, 0, 0,
		byte(s.layers<<3|s.nested<<2)|3, 3)
	for i, of := range sets {
		b = append(b, 0x80|byte(h265VPS+i)) // complete, though also in the frames
		b = binary.BigEndian.AppendUint16(b, uint16(len(of)))
		for _, nal := range of {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(nal))), nal...)
		}
	}
	if len(b) > MaxPrivate {
		return ""
	}
	return string(b)
}
