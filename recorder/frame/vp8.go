package frame

import (
	"bytes"
	"errors"
)

// vp8Format: frames are cut into packets behind a payload descriptor (RFC
// 7741), which the server rewrites and the encryption leaves alone. The clear
// part covers the uncompressed data chunk (RFC 6386, section 9.1): 10 bytes of
// a key frame, 3 of any other.
var vp8Format = format{
	depacketizer: func() depacketizer { return vp8Depacketizer{} },
	key:          vp8Key,
	header: func(frame []byte) int {
		if vp8Key(frame) {
			return 10
		}
		return 3
	},
	injected: func(payload []byte) bool {
		_, n, err := parseVP8Descriptor(payload)
		return err == nil && bytes.Equal(payload[n:], vp8Blank[:])
	},
}

// vp8Blank is the 8x8 key frame that livekit-server injects (downtrack.go,
// VP8KeyFrame8x8).
var vp8Blank = [31]byte{
	0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x08, 0x00,
	0x08, 0x00, 0x00, 0x47, 0x08, 0x85, 0x85, 0x88,
	0x85, 0x84, 0x88, 0x02, 0x02, 0x00, 0x0c, 0x0d,
	0x60, 0x00, 0xfe, 0xff, 0xab, 0x50, 0x80,
}

// vp8Key reads the inverse key-frame flag, bit 0 of the frame's first byte.
func vp8Key(frame []byte) bool { return len(frame) > 0 && frame[0]&1 == 0 }

var errVP8 = errors.New("malformed VP8 payload")

// A vp8Descriptor holds what assembly needs of the payload descriptor of RFC
// 7741, section 4.2. Picture IDs and layer indexes are the server's to rewrite
// and say nothing that the sequence numbers do not.
type vp8Descriptor struct {
	start     bool  // S: the packet starts a partition
	partition uint8 // PID: which one
}

// parseVP8Descriptor returns the descriptor and its length. What follows it is
// at least one byte.
func parseVP8Descriptor(payload []byte) (d vp8Descriptor, n int, err error) {
	if len(payload) == 0 {
		return d, 0, errVP8
	}
	d.start = payload[0]&0x10 != 0
	d.partition = payload[0] & 0x07
	n = 1
	if payload[0]&0x80 != 0 { // X: extended control bits
		if len(payload) <= n {
			return d, 0, errVP8
		}
		x := payload[n]
		n++
		if x&0x80 != 0 { // I: picture ID, 7 or 15 bits
			if len(payload) <= n {
				return d, 0, errVP8
			}
			if payload[n]&0x80 != 0 {
				n++
			}
			n++
		}
		if x&0x40 != 0 { // L: TL0PICIDX
			n++
		}
		if x&0x30 != 0 { // T or K: TID, Y, KEYIDX share a byte
			n++
		}
	}
	if len(payload) <= n {
		return d, 0, errVP8
	}
	return d, n, nil
}

// vp8Depacketizer: a frame starts with partition 0 and ends at the marker.
type vp8Depacketizer struct{}

func (vp8Depacketizer) place(payload []byte, marker bool, _ position) (first, last bool, err error) {
	d, _, err := parseVP8Descriptor(payload)
	if err != nil {
		return false, marker, err
	}
	return d.start && d.partition == 0, marker, nil
}

func (vp8Depacketizer) pieces(dst [][]byte, payload []byte) ([][]byte, error) {
	_, n, err := parseVP8Descriptor(payload)
	if err != nil {
		return dst, err
	}
	return append(dst, payload[n:]), nil
}

func (vp8Depacketizer) reset() {}

func (vp8Depacketizer) whole() bool { return true }
