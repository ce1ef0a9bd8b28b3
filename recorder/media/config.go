package media

import "encoding/binary"

// ConfigFrame makes a frame of the parameter sets in a track's Private. It
// returns nil if they are malformed.
func ConfigFrame(t Track) []byte {
	p := []byte(t.Private)
	var out []byte
	sets := func(n int) {
		for ; n > 0 && len(p) >= 2; n-- {
			size := 2 + int(binary.BigEndian.Uint16(p))
			if size > len(p) {
				p = nil
				return
			}
			out = binary.BigEndian.AppendUint32(out, uint32(size-2))
			out = append(out, p[2:size]...)
			p = p[size:]
		}
	}
	switch {
	case t.Codec == AV1 && len(p) > 4:
		return p[4:]
	case t.Codec == H264 && len(p) > 6:
		n := int(p[5] & 0x1f)
		p = p[6:]
		sets(n)
		if len(p) > 0 {
			n, p = int(p[0]), p[1:]
			sets(n)
		}
	case t.Codec == H265 && len(p) > 23:
		arrays := int(p[22])
		p = p[23:]
		for ; arrays > 0 && len(p) >= 3; arrays-- {
			n := int(binary.BigEndian.Uint16(p[1:]))
			p = p[3:]
			sets(n)
		}
	}
	return out
}
