package fragment

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/sealtape/sealtape/recorder/media"
)

// MIME returns the type of a track's parts as browsers need it. The codecs
// parameter is exact (RFC 6381 and the codecs' own specifications) if the track
// has its Private. Otherwise it is that of a usual camera.
func MIME(t media.Track) string { return mimeOf(t, nil) }

// mimeOf also reads a frame: VP9 has its profile there.
func mimeOf(t media.Track, frame []byte) string {
	p := t.Private
	switch t.Codec {
	case media.Opus:
		return `audio/webm; codecs="opus"`
	case media.VP8:
		return `video/webm; codecs="vp8"`
	case media.VP9:
		return fmt.Sprintf(`video/webm; codecs="%s"`, vp9Codec(frame))
	case media.AV1:
		codec := "av01.0.08M.08"
		if len(p) >= 4 {
			codec = av1Codec(p)
		}
		return fmt.Sprintf(`video/webm; codecs="%s"`, codec)
	case media.H264:
		codec := "avc1.42E01F"
		if len(p) >= 4 {
			codec = fmt.Sprintf("avc1.%02X%02X%02X", p[1], p[2], p[3])
		}
		return fmt.Sprintf(`video/mp4; codecs="%s"`, codec)
	case media.H265:
		codec := "hvc1.1.6.L93.B0"
		if len(p) >= 13 {
			codec = h265Codec(p)
		}
		return fmt.Sprintf(`video/mp4; codecs="%s"`, codec)
	}
	return "application/octet-stream"
}

// vp9Codec returns profile, level and bit depth ("VP Codec ISO Media File Format
// Binding", codecs parameter). Every frame has the profile. The level is always
// the same and enough for any meeting, since a change of level would be a change
// of type.
func vp9Codec(frame []byte) string {
	profile, depth := 0, 8
	if len(frame) > 0 && frame[0]>>6 == 2 {
		profile = int(frame[0]>>5&1 | frame[0]>>4&1<<1)
	}
	if profile >= 2 {
		depth = 10
	}
	return fmt.Sprintf("vp09.%02d.51.%02d", profile, depth)
}

// av1Codec reads av1C (AV1 in ISOBMFF, section 5).
func av1Codec(p string) string {
	tier, depth := "M", 8
	if p[2]&0x80 != 0 {
		tier = "H"
	}
	if p[2]&0x40 != 0 {
		depth = 10
		if p[2]&0x20 != 0 {
			depth = 12
		}
	}
	return fmt.Sprintf("av01.%d.%02d%s.%02d", p[1]>>5, p[1]&0x1f, tier, depth)
}

// h265Codec reads hvcC (ISO/IEC 14496-15, annex E.3).
func h265Codec(p string) string {
	var b strings.Builder
	b.WriteString("hvc1.")
	if space := p[1] >> 6; space > 0 {
		b.WriteByte('A' + space - 1)
	}
	tier := byte('L')
	if p[1]&0x20 != 0 {
		tier = 'H'
	}
	compatible := bits.Reverse32(binary.BigEndian.Uint32([]byte(p[2:6])))
	fmt.Fprintf(&b, "%d.%X.%c%d", p[1]&0x1f, compatible, tier, p[12])
	constraints := strings.TrimRight(p[6:12], "\x00")
	for i := range len(constraints) {
		fmt.Fprintf(&b, ".%X", constraints[i])
	}
	return b.String()
}
