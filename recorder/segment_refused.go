package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// refusedItems keep what cannot be written local to the track or the event that it is
// of. Tracks and rooms look before they hand something on, so there should be none;
// but one that slips through must not end what is recorded of others.
type refusedItems struct {
	refused map[uint64]refusedSpan // by UID: tracks of which a frame was refused
	// declare counts a hole; dropped tells of an event that is not in the timeline.
	declare func(media.Event)
	dropped func(participant string, t media.EventType, err error)
}

// A refusedSpan is missing from a refused frame on: a picture to its next key
// frame, a sound to its next frame.
type refusedSpan struct {
	track    media.Track
	from, to time.Duration
	reason   string
}

// refuse notes an item that cannot be written because of err.
func (s *segmenter) refuse(i item, err error) { s.leaveOut(i, err, media.GapFormat) }

// refuseFault notes an item that writing had a fault with.
func (s *segmenter) refuseFault(i item, err error) { s.leaveOut(i, err, media.GapFault) }

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

// declareRefused declares what is missing of a track, if something is, up to a frame or to
// the track's end at the latest.
func (s *segmenter) declareRefused(uid uint64, until time.Duration) error {
	b, open := s.refused[uid]
	if !open {
		return nil
	}
	delete(s.refused, uid)
	e := media.Event{Time: b.from, Type: media.EventGap, Participant: b.track.Participant, Track: uid,
		From: b.from, To: max(b.from+time.Millisecond, min(b.to, until)), Reason: b.reason}
	s.declare(e)
	if s.object == nil {
		s.delay(item{event: &e}, until)
		return nil
	}
	return s.writeEvent(item{event: &e})
}
