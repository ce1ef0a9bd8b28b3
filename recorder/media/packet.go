package media

import "time"

// OpusDuration returns how long an Opus packet lasts, from its TOC byte and
// frame count (RFC 6716, section 3.1 and 3.2). It returns 0 for a packet that
// is empty or malformed, or lasts longer than the 120 ms that are allowed.
func OpusDuration(packet []byte) time.Duration {
	if len(packet) == 0 {
		return 0
	}
	toc := packet[0]
	var one time.Duration
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		one = [...]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid: 10, 20 ms
		one = [...]time.Duration{10, 20}[config&1] * time.Millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		one = 2500 * time.Microsecond << (config & 3)
	}
	n := 1
	switch toc & 3 {
	case 1, 2:
		n = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		n = int(packet[1] & 0x3f)
	}
	if d := one * time.Duration(n); d <= 120*time.Millisecond {
		return d
	}
	return 0
}

// VP8Size returns the picture size that a VP8 key frame carries (RFC 6386,
// section 9.1), and false for any other frame.
func VP8Size(frame []byte) (width, height int, ok bool) {
	if len(frame) < 10 || frame[0]&1 != 0 ||
		frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return 0, 0, false
	}
	width = (int(frame[7])<<8 | int(frame[6])) & 0x3fff
	height = (int(frame[9])<<8 | int(frame[8])) & 0x3fff
	return width, height, width > 0 && height > 0
}

// OpusChannels returns the number of channels in an Opus packet, by its TOC byte
// (RFC 6716, section 3.1), 0 for an empty one. It may change from packet to packet.
func OpusChannels(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	return 1 + int(packet[0]>>2&1)
}
