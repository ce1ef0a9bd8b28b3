package media

import _ "embed"

var (
	//go:embed flash.ivf
	flash string
	//go:embed flash.h264
	flashH264 string
	//go:embed flash-vp9.ivf
	flashVP9 string
	//go:embed flash-av1.ivf
	flashAV1 string
	//go:embed beep.ogg
	beep string
)

// FlashFrames returns a picture to measure with in a codec, "vp8", "vp9", "h264"
// or "av1", nil for any other: 20 frames a second, a key frame every 2 s, white
// in the first 100 ms of each second. VP8 is 640x360 and lasts a minute, the
// others are 320x180 and last ten seconds. The lowest 32 of 360 lines are a
// FlashCode. The caller owns the frames.
func FlashFrames(codec string) [][]byte {
	switch codec {
	case "vp8":
		return ivfFrames(flash)
	case "vp9":
		return ivfFrames(flashVP9)
	case "av1":
		return ivfFrames(flashAV1)
	case "h264":
		return accessUnits([]byte(flashH264), func(b byte) bool { return b&0x1f == 1 || b&0x1f == 5 })
	}
	return nil
}

// Flash returns the picture of FlashFrames in VP8 as an IVF file. The caller owns
// it.
func Flash() []byte { return []byte(flash) }

// Beep returns a sound to measure with: an Ogg file as those of Speech, ten
// seconds long, with 100 ms of a sine at each full second, of 600 Hz in the first
// and 100 Hz more in each further one. A decoder that drops nothing gives the
// beeps at the full seconds. The caller owns it.
func Beep() []byte { return []byte(beep) }

// FlashBits is how many blocks a flash's code has, from left to right.
const FlashBits = 20

// FlashCode returns what the blocks of a flash's picture say, the first block in
// the highest of FlashBits bits: the frame's number within the fixture, and the
// fixture's number, from 1 in the order of FlashFrames' codecs vp8, h264, vp9,
// av1. It returns false if they are not a code.
func FlashCode(bits uint32) (frame, fixture int, ok bool) {
	n := [4]uint32{bits >> 16 & 15, bits >> 12 & 15, bits >> 8 & 15, bits >> 4 & 15}
	if bits>>FlashBits != 0 || (n[0]+n[1]+n[2]+n[3]+5)&15 != bits&15 {
		return 0, 0, false
	}
	return int(n[0]<<8 | n[1]<<4 | n[2]), int(n[3]), true
}
