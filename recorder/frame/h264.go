package frame

import "bytes"

// h264Format: RFC 6184. The clear part reaches from the frame's start through
// the parameter sets to the first slice; what follows is escaped, so that a
// packetizer still sees NAL units.
var h264Format = format{
	depacketizer: func() depacketizer { return &nalDepacketizer{nalPayload: &h264Payload} },
	key: func(frame []byte) bool {
		i := firstSlice(frame, h264Slice)
		return i >= 0 && frame[i]&0x1f == h264IDR
	},
	header:   nalHeader(h264Slice),
	variants: headerVariants,
	readings: nalReadings(h265Slice),
	escaped:  true,
	injected: func(payload []byte) bool { return bytes.Equal(payload, h264Blank) },
}

const (
	h264IDR   = 5
	h264SPS   = 7
	h264AUD   = 9
	h264STAPA = 24
	h264FUA   = 28
)

// h264Slice: slices without data partitioning, as livekit-client looks for.
func h264Slice(header byte) bool { return header&0x1f == 1 || header&0x1f == h264IDR }

var h264Payload = nalPayload{
	header:      1,
	kind:        func(b byte) byte { return b & 0x1f },
	aggregate:   h264STAPA,
	fragment:    h264FUA,
	unsupported: h264STAPA,
	rebuild:     func(p []byte) []byte { return []byte{p[0]&0xe0 | p[1]&0x1f} },
	first:       func(kind byte) bool { return kind == h264SPS || kind == h264AUD },
}

// h264Blank is the 2x2 key frame that livekit-server injects (downtrack.go,
// H264KeyFrame2x2): one STAP-A.
var h264Blank = []byte("\x18" +
	"\x00\x18\x67\x42\xc0\x1f\x0f\xd9\x1f\x88\x88\x84\x00\x00\x03\x00\x04\x00\x00\x03\x00\xc8\x3c\x60\xc9\x20" +
	"\x00\x06\x68\x87\xcb\x83\xcb\x20" +
	"\x00\x0a\x65\x88\x84\x0a\xf2\x62\x80\x00\xa7\xbe")
