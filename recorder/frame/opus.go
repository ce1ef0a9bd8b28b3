package frame

import "bytes"

// opusFormat: one packet is one frame (RFC 7587), each decodes by itself, and
// the table-of-contents byte stays in the clear.
var opusFormat = format{
	depacketizer: func() depacketizer { return opusDepacketizer{} },
	key:          func([]byte) bool { return true },
	header:       func([]byte) int { return 1 },
	injected:     func(payload []byte) bool { return bytes.Equal(payload, opusSilence[:]) },
}

// opusSilence is the silent frame that livekit-server injects (downtrack.go,
// OpusSilenceFrame): f8 ff fe and zeros.
var opusSilence = [80]byte{0xf8, 0xff, 0xfe}

type opusDepacketizer struct{}

func (opusDepacketizer) place([]byte, bool, position) (first, last bool, err error) {
	return true, true, nil
}

func (opusDepacketizer) pieces(dst [][]byte, payload []byte) ([][]byte, error) {
	return append(dst, payload), nil
}

func (opusDepacketizer) reset() {}

func (opusDepacketizer) whole() bool { return true }
