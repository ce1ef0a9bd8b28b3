package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// refusedItems are frames and events that cannot be written. Tracks and rooms check what
// they hand on, so there should be none; but one that slips through must cost its own
// track only, and must not end the recording.
type refusedItems struct {
	refused map[uint64]refusedSpan // by UID: tracks of which a frame was refused
	// declare counts a hole, dropped an event that is not in the timeline.
	declare func(media.Event)
	dropped func(participant string, t media.EventType, err error)
}

// A refusedSpan is what a track misses after a refused frame: a picture until its next key
// frame, a sound until its next frame.
type refusedSpan struct {
	track    media.Track
	from, to time.Duration
	reason   string
}

// refuse notes an item that cannot be written because of err.
func (s *segmenter) refuse(i item, err error) { s.leaveOut(i, err, media.HoleFormat) }

// refuseFault notes an item that a fault kept from being written.
func (s *segmenter) refuseFault(i item, err error) { s.leaveOut(i, err, media.HoleFault) }

func (s *segmenter) leaveOut(i item, err error, reason string) {
	if i.event != nil {
		s.dropped(i.event.Participant, i.event.Type, err)
		return
	}
	at := max(0, i.frame.Time)
	b, open := s.refused[i.frame.Track]
	if !open {
		s.dropped(i.track.Participant, "", err)
		b = refusedSpan{track: i.track, from: at, to: at, reason: reason}
	}
	if s.refused == nil {
		s.refused = make(map[uint64]refusedSpan)
	}
	b.to = max(b.to, at+max(i.frame.Duration, time.Millisecond))
	s.refused[i.frame.Track] = b
}

// dependsOnRefused reports whether a frame cannot be decoded because one before it was
// refused. Then it is refused too.
func (s *segmenter) dependsOnRefused(i item) bool {
	if _, open := s.refused[i.frame.Track]; !open || i.frame.Key || i.track.Codec.Audio() {
		return false
	}
	s.refuse(i, nil)
	return true
}

// declareRefused declares what a track misses after a refused frame, if it does. until is
// its next frame, or its end.
func (s *segmenter) declareRefused(uid uint64, until time.Duration) error {
	b, open := s.refused[uid]
	if !open {
		return nil
	}
	delete(s.refused, uid)
	e := media.Event{Time: b.from, Type: media.EventHole, Participant: b.track.Participant, Track: uid,
		From: b.from, To: max(b.from+time.Millisecond, min(b.to, until)), Reason: b.reason}
	s.declare(e)
	if s.current == nil {
		s.delay(item{event: &e}, until)
		return nil
	}
	return s.writeEvent(item{event: &e})
}
