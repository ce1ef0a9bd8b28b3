package recorder

import (
	"math"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// turnTime is how long before its end a segment begins to turn: a key frame
	// that is asked for takes some tenths of a second.
	turnTime = 600 * time.Millisecond
	// turnSpread is how long a turn goes on after the first picture's key frame, for
	// those of others.
	turnSpread = 200 * time.Millisecond
	// boundaryShare is the part of a picture's bytes that key frames at the
	// boundaries of segments may take: one is asked for if the last one was no more
	// than that of what came since.
	boundaryShare = 20
)

// A turn lets the next segment begin with key frames, so that it decodes by
// itself. Some time before a segment is full, the pictures that can afford it are
// asked for key frames. From its key frame on a picture waits for the next segment,
// which begins soon. Who sends none goes on in the open one.
type turn struct {
	ask  func()          // asks for key frames, may be nil
	on   bool            // the open segment turns
	off  bool            // and may not
	over map[uint64]bool // pictures that wait for the next segment
	from time.Duration   // when the first of them did
}

// turns reports whether a frame is for the next segment: a picture's key frame, and
// what follows it.
func (s *segmenter) turns(i item, now time.Duration) bool {
	t := &s.turn
	if !t.on || t.off || i.track.Codec.Audio() || !i.frame.Key && !t.over[i.track.UID] {
		return false
	}
	if t.over == nil {
		t.over, t.from = make(map[uint64]bool), now
	}
	t.over[i.track.UID] = true
	return true
}

// turnNow begins a turn when it is time to, and reports whether it is over.
func (s *segmenter) turnNow(now time.Duration) bool {
	t := &s.turn
	if s.object == nil {
		return false
	}
	if !t.on && now-s.opened >= s.length-min(turnTime, s.length/4) {
		t.on = true
		if t.ask != nil {
			t.ask()
		}
	}
	if len(t.over) == 0 {
		return false
	}
	if now-t.from >= turnSpread {
		return true
	}
	for _, track := range s.tracks {
		if !track.Codec.Audio() && !t.over[track.UID] {
			return false
		}
	}
	return true
}

// unturn takes what waits because of a turn into the open segment: the next one is
// for other readers, and this came before it was.
func (s *segmenter) unturn() error {
	s.turn.off = true
	if len(s.turn.over) == 0 {
		return nil
	}
	s.turn.over = nil
	return s.pour(math.MaxInt64)
}

// boundary asks for a key frame where a segment is about to end, if the picture can
// afford it, or would be asked for one soon after.
func (t *trackRecorder) boundary(at time.Duration) {
	if t.keyEvery <= 0 || t.info.Codec.Audio() {
		return
	}
	if t.keyBytes*boundaryShare <= t.sinceKey || at-t.lastKey >= t.keyEvery-2*turnTime {
		t.askKey()
	}
}

// weigh notes how much a picture sends.
func (t *trackRecorder) weigh(f *media.Frame) {
	if f.Key {
		t.keyBytes, t.sinceKey = len(f.Data), 0
	}
	t.sinceKey += len(f.Data)
}
