package frame

// h265Format: RFC 7798. Encrypted as H.264 is.
var h265Format = format{
	depacketizer: func() depacketizer { return &nalDepacketizer{nalPayload: &h265Payload} },
	key: func(frame []byte) bool {
		i := firstSlice(frame, h265Slice)
		return i >= 0 && frame[i]>>1&0x3f >= h265BLA
	},
	header:   nalHeader(h265Slice),
	variants: headerVariants,
	readings: nalReadings(h264Slice),
	escaped:  true,
}

const (
	h265BLA = 16 // the first of the types that are random access points
	h265CRA = 21 // and the last
	h265VPS = 32
	h265SPS = 33
	h265AUD = 35
	h265AP  = 48
	h265FU  = 49
)

// h265Slice: the VCL types that livekit-client looks for.
func h265Slice(header byte) bool {
	kind := header >> 1 & 0x3f
	return kind <= 9 || kind >= h265BLA && kind <= h265CRA
}

var h265Payload = nalPayload{
	header:      2,
	kind:        func(b byte) byte { return b >> 1 & 0x3f },
	aggregate:   h265AP,
	fragment:    h265FU,
	unsupported: h265AP,
	rebuild:     func(p []byte) []byte { return []byte{p[0]&0x81 | p[2]&0x3f<<1, p[1]} },
	first:       func(kind byte) bool { return kind == h265VPS || kind == h265SPS || kind == h265AUD },
}
