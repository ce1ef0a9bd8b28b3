package recorder

import (
	"errors"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// decryption opens the frames of a track, and delivers its units in order. A frame
// whose key has not come yet waits for it: members' clients rotate keys when someone
// comes or goes, and a key may take longer than the first frames under it. What comes
// behind a frame that waits is opened but waits too.
type decryption struct {
	// Set before the track is read.
	info      *TrackInfo
	inbox     *trackInbox
	opening   *openingResult
	counts    *counts
	clock     *recordingClock
	shares    *memoryShares // of what waits, of all tracks
	keyFrames *keyFrames    // asked for while pictures wait
	deliver   func(u frame.Unit, at time.Duration, data []byte, outcome Outcome)
	ring      *frame.Keyring
	decrypter *frame.Decrypter // with the keys of ring; both are nil where the track is not encrypted
	reports   keyReports

	pending      []pendingUnit
	pendingBytes int
	triedVersion uint64 // of the ring, when what waits was last tried
}

// open returns the frame's plaintext, and Kept, or why there is none: Empty,
// Replayed, or one that is the reason of a hole.
func (d *decryption) open(u frame.Unit) (data []byte, o Outcome) {
	sealed := d.sealed(u)
	defer func() { d.reports.report(sealed, o, u.Arrival) }()
	var err error
	if data = sealed; d.decrypter != nil {
		data, err = d.decrypter.Decrypt(make([]byte, 0, len(sealed)), sealed)
	}
	if err == nil {
		data = media.Store(d.info.Codec, data)
	}
	switch {
	case err == nil && len(data) > 0:
		return data, Kept
	case err == nil, errors.Is(err, frame.ErrEmpty):
		return nil, Empty
	case errors.Is(err, frame.ErrReplay):
		d.counts.failed.Add(1) // the frame itself was kept when it came first
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
func (d *decryption) sealed(u frame.Unit) []byte {
	if d.info.PacketTrailer {
		return frame.StripTrailer(u.Data)
	}
	return u.Data
}

// A keyIndex is the index of the key that opened a track's frames, as the timeline has
// it.
type keyIndex struct {
	known      bool
	index      int
	reportedAt time.Duration
}

// reportKeyIndex puts the index of the key that opened a frame into the timeline when it
// changes, at most once a second.
func (t *trackRecorder) reportKeyIndex(sealed []byte, at time.Duration) {
	if t.decryption.decrypter == nil {
		return
	}
	if t.info.PacketTrailer {
		sealed = frame.StripTrailer(sealed)
	}
	k := &t.keyIndex
	if index, ok := frame.KeyIndex(sealed); ok && (!k.known || index != k.index && at-k.reportedAt >= time.Second) {
		*k = keyIndex{known: true, index: index, reportedAt: at}
		t.emit(media.Event{Time: at, Type: media.EventKeys, Text: strconv.Itoa(index)})
	}
}
