package recorder

import (
	"errors"
	"strconv"
	"time"

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
		t.run.board.counts.failed.Add(1) // the frame itself was kept when it came first
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

// A keyIndex is the index of the end-to-end key that a track's frames were
// opened with, as far as the timeline has it.
type keyIndex struct {
	known      bool
	index      int
	reportedAt time.Duration
}

// reportKeyIndex notes that a frame was opened. A sender that changes its key all the time
// is told of once a second.
func (t *trackRecorder) reportKeyIndex(sealed []byte, at time.Duration) {
	if t.decrypt == nil {
		return
	}
	if t.info.PacketTrailer {
		sealed = frame.StripTrailer(sealed)
	}
	k := &t.keys
	if index, ok := frame.KeyIndex(sealed); ok && (!k.known || index != k.index && at-k.reportedAt >= time.Second) {
		*k = keyIndex{known: true, index: index, reportedAt: at}
		t.send(item{event: &media.Event{Time: at, Type: media.EventKeys, Participant: t.info.Participant,
			Track: t.media.UID, Text: strconv.Itoa(index)}})
	}
}
