package frame

import "github.com/sealtape/sealtape/recorder/media"

// A format is what this package has to know of one codec. Each codec is one
// file that defines its format, and one line in formatOf.
type format struct {
	// depacketizer makes the state that undoes the RTP payload format.
	depacketizer func() depacketizer
	// key reports whether a frame (never empty) decodes by itself.
	key func(frame []byte) bool
	// header returns how many leading bytes of an encrypted frame are in the
	// clear; it may be more than the frame has. nil: the codec has no
	// end-to-end encryption here.
	header func(frame []byte) int
	// injected reports whether an RTP payload, without the trailer, is what the
	// server injects. nil: the server injects nothing for this codec.
	injected func(payload []byte) bool
}

// A depacketizer undoes one RTP payload format. It is given the packets in
// order; payloads are hostile and not empty.
type depacketizer interface {
	// place reports whether a packet is the first and whether it is the last of
	// its frame. afterEnd tells that the packet just before it, with no hole
	// between them, was a frame's last: payload formats that mark only ends
	// (H264) need it.
	place(payload []byte, marker, afterEnd bool) (first, last bool, err error)
	// pieces appends to dst the slices of the frame that the packet carries.
	// They may alias payload, or be constants such as start codes.
	pieces(dst [][]byte, payload []byte) ([][]byte, error)
	// reset forgets the frame under way; it precedes each frame.
	reset()
}

// formatOf returns the rules of a codec.
func formatOf(c media.Codec) (format, bool) {
	switch c {
	case media.Opus:
		return opusFormat, true
	case media.VP8:
		return vp8Format, true
	}
	return format{}, false
}

// Supported reports whether frames of a codec can be assembled.
func Supported(c media.Codec) bool {
	_, ok := formatOf(c)
	return ok
}

// EncryptionSupported reports whether end-to-end-encrypted frames of a codec
// can be opened.
func EncryptionSupported(c media.Codec) bool {
	f, ok := formatOf(c)
	return ok && f.header != nil
}
