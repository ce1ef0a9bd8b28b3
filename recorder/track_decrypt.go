package recorder

import (
	"errors"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// open returns the frame's plaintext, and Kept, or why there is none: Empty,
// Replayed, or one that is the reason of a hole.
func (t *trackRecorder) open(u frame.Unit) (data []byte, o Outcome) {
	sealed := t.sealed(u)
	var err error
	if data = sealed; t.decrypt != nil {
		data, err = t.decrypt.Decrypt(make([]byte, 0, len(sealed)), sealed)
	}
	if err == nil {
		data = media.Store(t.info.Codec, data)
	}
	switch {
	case err == nil && len(data) > 0:
		return data, Kept
	case err == nil, errors.Is(err, frame.ErrEmpty):
		return nil, Empty
	case errors.Is(err, frame.ErrReplay):
		t.counts.failed.Add(1) // the frame itself was kept when it came first
		return nil, Replayed
	case errors.Is(err, frame.ErrNoKey):
		return nil, NoKey
	case errors.Is(err, frame.ErrShort):
		return nil, Plaintext
	default:
		return nil, Auth
	}
}

// sealed returns the frame as its sender encrypted it.
func (t *trackRecorder) sealed(u frame.Unit) []byte {
	if t.info.PacketTrailer {
		return frame.StripTrailer(u.Data)
	}
	return u.Data
}
