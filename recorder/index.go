package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A tally collects what the index says of one segment while it is written.
type tally struct {
	segment media.IndexSegment
	end     time.Duration
	keys    int            // key frames told of
	place   map[uint64]int // a track's place in segment.Tracks
}

func newTally(number, epoch int) *tally {
	return &tally{
		segment: media.IndexSegment{Number: number, Epoch: epoch, Start: -1},
		place:   make(map[uint64]int),
	}
}

func (t *tally) frame(f media.Frame, audio bool) {
	t.span(f.Time, f.Time+f.Duration)
	i, ok := t.place[f.Track]
	if !ok {
		i = len(t.segment.Tracks)
		t.place[f.Track] = i
		t.segment.Tracks = append(t.segment.Tracks, media.IndexTrack{UID: f.Track})
	}
	if f.Key && !audio && t.keys < media.MaxIndexKeys {
		t.keys++
		track := &t.segment.Tracks[i]
		track.Keys = append(track.Keys, f.Time)
	}
}

func (t *tally) span(from, to time.Duration) {
	if t.segment.Start < 0 || from < t.segment.Start {
		t.segment.Start = from
	}
	t.end = max(t.end, to)
}

// weight is how many bytes of an index the segment takes, about.
func (t *tally) weight() int64 { return int64(128 + 64*len(t.segment.Tracks) + 16*t.keys) }

// done returns the finished entry of a segment of size plaintext bytes.
func (t *tally) done(size int64, opened time.Duration) media.IndexSegment {
	if t.segment.Start < 0 { // events only
		t.segment.Start, t.end = opened, opened
	}
	t.segment.Size = size
	t.segment.Duration = t.end - t.segment.Start
	return t.segment
}
