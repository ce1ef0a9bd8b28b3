package recorder

import (
	"math"
	"time"
)

const (
	// boundaryLead is how long before its end key frames are asked for: a key frame
	// that is asked for takes some tenths of a second.
	boundaryLead = 600 * time.Millisecond
	// boundarySpread is how long a boundary lasts after the first picture's key frame, for
	// those of others.
	boundarySpread = 200 * time.Millisecond
)

// A boundary lets the next segment begin with key frames, so that it decodes by
// itself. Some time before a segment is full, the pictures that can afford it are
// asked for key frames. From its key frame on a picture waits for the next segment,
// which begins soon. Who sends none goes on in the open one.
type boundary struct {
	requestKeyFrames func()          // asks for key frames, may be nil
	near             bool            // the open segment is about to end
	closed           bool            // and may not
	switched         map[uint64]bool // pictures that wait for the next segment
	switchedAt       time.Duration   // when the first of them did
}

// reset makes it the boundary of another segment.
func (b *boundary) reset() { *b = boundary{requestKeyFrames: b.requestKeyFrames} }

// switchesAtBoundary reports whether a frame is for the next segment: near its end, a
// picture's key frame and what follows it.
func (s *segmenter) switchesAtBoundary(i item, now time.Duration) bool {
	b := &s.boundary
	if !b.near || b.closed || i.track.Codec.Audio() || !i.frame.Key && !b.switched[i.track.UID] {
		return false
	}
	if b.switched == nil {
		b.switched, b.switchedAt = make(map[uint64]bool), now
	}
	b.switched[i.track.UID] = true
	return true
}

// boundaryDue asks for key frames when it is time to, and reports whether they have
// come.
func (s *segmenter) boundaryDue(now time.Duration) bool {
	b := &s.boundary
	if s.current == nil {
		return false
	}
	if !b.near && now-s.current.opened >= s.length-min(boundaryLead, s.length/4) {
		b.near = true
		if b.requestKeyFrames != nil {
			b.requestKeyFrames()
		}
	}
	if len(b.switched) == 0 {
		return false
	}
	if now-b.switchedAt >= boundarySpread {
		return true
	}
	for _, track := range s.tracks {
		if !track.Codec.Audio() && !b.switched[track.UID] {
			return false
		}
	}
	return true
}

// cancelBoundary writes what waits for a boundary into the open segment: the next one is
// for other readers, and this came before it was.
func (s *segmenter) cancelBoundary() error {
	s.boundary.closed = true
	if len(s.boundary.switched) == 0 {
		return nil
	}
	s.boundary.switched = nil
	return s.pour(math.MaxInt64)
}
