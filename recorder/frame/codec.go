package frame

import (
	"iter"

	"github.com/sealtape/sealtape/recorder/media"
)

// A format is what this package must know of one codec. Each codec has one file
// with its format, and one line in formatOf.
type format struct {
	// depacketizer makes the state that undoes the RTP payload format.
	depacketizer func() depacketizer
	// key reports whether a frame (never empty) decodes by itself. Nil means that
	// the depacketizer is a keyDepacketizer.
	key func(frame []byte) bool
	// header returns how many leading bytes of an encrypted frame are in the
	// clear. It may be more than the frame has. Nil means that the codec has no
	// end-to-end encryption here.
	header func(frame []byte) int
	// variants returns other bytes than the header's that a publisher may have
	// authenticated. Nil means that there are none.
	variants func(header []byte) [][]byte
	// readings yields the possible readings of a frame in which header finds no
	// end of the clear part. Nil means that such a frame is not encrypted.
	readings func(frame []byte, g *guesses) iter.Seq[reading]
	// escaped reports that everything after the header has emulation prevention.
	escaped bool
	// injected reports whether an RTP payload, without the trailer, is one that
	// the server injects. Nil means that the server injects nothing for this
	// codec.
	injected func(payload []byte) bool
}

// A depacketizer undoes one RTP payload format. It is given the packets in
// order; payloads are hostile and not empty.
type depacketizer interface {
	// place reports whether a packet is the first and whether it is the last of
	// its frame.
	place(payload []byte, marker bool, at position) (first, last bool, err error)
	// pieces appends to dst the slices of the frame that the packet carries.
	// They may alias payload, or be constants such as start codes.
	pieces(dst [][]byte, payload []byte) ([][]byte, error)
	// reset forgets the current frame. It is called before each frame.
	reset()
	// whole reports whether the last packet left nothing open. It is called after
	// a frame's last packet.
	whole() bool
}

// A position is where a packet stands. Payload formats that mark only ends
// (H264) need it.
type position struct {
	// afterEnd: the packet just before it, with no hole between them, was a
	// frame's last.
	afterEnd bool
	// underway: a frame of the same timestamp has begun.
	underway bool
}

// A keyDepacketizer tells from the payload format alone whether the last frame
// decodes by itself.
type keyDepacketizer interface {
	depacketizer
	key() bool
}

// formatOf returns the rules of a codec.
func formatOf(c media.Codec) (format, bool) {
	switch c {
	case media.Opus:
		return opusFormat, true
	case media.VP8:
		return vp8Format, true
	case media.VP9:
		return vp9Format, true
	case media.H264:
		return h264Format, true
	case media.H265:
		return h265Format, true
	case media.AV1:
		return av1Format, true
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
