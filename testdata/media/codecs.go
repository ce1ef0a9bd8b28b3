package media

import (
	"bytes"
	_ "embed"
	"encoding/binary"
)

var (
	//go:embed clock.h264
	clockH264 string
	//go:embed clock.h265
	clockH265 string
	//go:embed clock-vp9.ivf
	clockVP9 string
	//go:embed clock-av1.ivf
	clockAV1 string
)

// ClockFrames returns the clock of Clock(0) in a codec, "vp8", "vp9", "h264",
// "h265" or "av1", as an encoder hands it out: 200 frames, 320x180, 20 a second,
// a key frame every 2 s, every frame shown. H.264 and H.265 have start codes, and
// parameter sets before key frames. It returns nil for any other codec. The
// caller owns the frames.
func ClockFrames(codec string) [][]byte {
	switch codec {
	case "vp8":
		return ivfFrames(clock)
	case "vp9":
		return ivfFrames(clockVP9)
	case "av1":
		return ivfFrames(clockAV1)
	case "h264":
		return accessUnits([]byte(clockH264), func(b byte) bool { return b&0x1f == 1 || b&0x1f == 5 })
	case "h265":
		return accessUnits([]byte(clockH265), func(b byte) bool { return b>>1&0x3f < 32 })
	}
	return nil
}

// ivfFrames takes a file of ours apart: a 32-byte header, 12 bytes before each
// frame.
func ivfFrames(file string) (frames [][]byte) {
	for rest := []byte(file)[32:]; len(rest) > 12; {
		size := binary.LittleEndian.Uint32(rest)
		frames = append(frames, rest[12:12+size])
		rest = rest[12+size:]
	}
	return frames
}

// accessUnits cuts a file of ours behind each slice, which are one a frame.
func accessUnits(file []byte, slice func(header byte) bool) (frames [][]byte) {
	code := []byte{0, 0, 1}
	start, ended := 0, false
	for at := 0; ; {
		i := bytes.Index(file[at:], code)
		if i < 0 {
			return append(frames, file[start:])
		}
		i += at
		if ended {
			cut := i
			if file[cut-1] == 0 { // a start code of four bytes
				cut--
			}
			frames, start = append(frames, file[start:cut:cut]), cut
		}
		at = i + 3
		ended = slice(file[at])
	}
}
