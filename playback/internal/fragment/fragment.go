// Package fragment turns a track's frames into what a browser's Media Source
// Extensions accept: an initialization segment and media. It writes WebM for
// Opus, VP8, VP9 and AV1, and fragmented MP4 for H.264 and H.265.
//
// Times are those of the recording's clock; a player sets no offset. Nothing is
// decoded, and frames are never moved. What would make a player fail is corrected
// around them: see [Sound] and [Pictures].
//
// Frames are hostile. Whatever they contain, the result is well-formed and not
// much longer.
package fragment

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Part is media of one track that decodes with one initialization segment.
type Part struct {
	// Track is the UID.
	Track uint64
	// MIME is its type, codecs parameter included.
	MIME string
	// From and To are where it begins and ends.
	From, To time.Duration
	// Init is the initialization segment. It depends only on how the track is
	// encoded. A player appends it only if it differs from the one before, since
	// afterwards everything up to the next key frame is dropped.
	Init []byte
	// Media follows: clusters, or moof and mdat.
	Media []byte
	// Frames is how many are in it, those of silence included.
	Frames int
}

// InitID returns a name for an initialization segment that depends on its
// content.
func (p Part) InitID() string {
	sum := sha256.Sum256(p.Init)
	return hex.EncodeToString(sum[:8])
}

// frameRoom is more than a frame takes beside its bytes.
const frameRoom = 24

// roomFor returns no bytes, with room for those of a part's media.
func roomFor(frames []media.Frame) []byte {
	n := 256
	for _, f := range frames {
		n += len(f.Data) + frameRoom
	}
	return make([]byte, 0, n)
}

// Unturned returns by how many degrees clockwise whoever shows a track's parts turns its
// pictures: 0 where the parts say it. WebM has no way to say it that browsers heed.
func Unturned(t media.Track) int {
	if webm(t.Codec) {
		return t.Turned
	}
	return 0
}

// webm reports whether WebM allows the codec.
func webm(c media.Codec) bool {
	switch c {
	case media.Opus, media.VP8, media.VP9, media.AV1:
		return true
	}
	return false
}
