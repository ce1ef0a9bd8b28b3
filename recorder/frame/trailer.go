package frame

import "bytes"

// Publishers that offer frame metadata append, after encryption and without
// authentication, a packet trailer: elements of tag, length and value, the
// whole trailer's length, each byte of these XOR 0xff, then "LKTS"
// (livekit-client, frameMetadata.ts; livekit-server, pkg/sfu/packettrailer).
var packetTrailerMagic = []byte("LKTS")

const packetTrailerEnd = 5 // length and magic

// StripTrailer returns the frame without its packet trailer, or as it is if it
// has none. An encrypted frame ends with its own trailer and never looks as if
// it had one. What the trailer says is dropped: anybody on the way can write it.
func StripTrailer(frame []byte) []byte {
	n := len(frame)
	if n < packetTrailerEnd || !bytes.HasSuffix(frame, packetTrailerMagic) {
		return frame
	}
	size := int(frame[n-packetTrailerEnd] ^ 0xff)
	if size < packetTrailerEnd || size > n {
		return frame
	}
	// As the peer does, believe in the trailer if its first element is whole.
	elements := frame[n-size : n-packetTrailerEnd]
	if len(elements) < 2 || 2+int(elements[1]^0xff) > len(elements) {
		return frame
	}
	return frame[:n-size]
}
