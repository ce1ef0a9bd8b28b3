package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// refusals keep what cannot be written local to the track or the event that it is
// of. Tracks and rooms look before they hand something on, so there should be none;
// but one that slips through must not end what is recorded of others.
type refusals struct {
	broken map[uint64]brokenTrack // by UID: tracks of which a frame was refused
	// declare counts a hole; dropped tells of an event that is not in the timeline.
	declare func(media.Event)
	dropped func(t media.EventType, err error)
}

// A brokenTrack is missing from a refused frame on: a picture to its next key
// frame, a sound to its next frame.
type brokenTrack struct {
	track    media.Track
	from, to time.Duration
	reason   string
}

// refuse notes an item that cannot be written because of err.
func (s *segmenter) refuse(i item, err error) { s.leaveOut(i, err, media.GapFormat) }

// spoil notes an item that writing had a fault with.
func (s *segmenter) spoil(i item, err error) { s.leaveOut(i, err, media.GapFault) }

func (s *segmenter) leaveOut(i item, err error, reason string) {
	if i.event != nil {
		s.dropped(i.event.Type, err)
		return
	}
	at := max(0, i.frame.Time)
	b, open := s.broken[i.frame.Track]
	if !open {
		s.dropped("", err)
		b = brokenTrack{track: i.track, from: at, to: at, reason: reason}
	}
	if s.broken == nil {
		s.broken = make(map[uint64]brokenTrack)
	}
	b.to = max(b.to, at+max(i.frame.Duration, time.Millisecond))
	s.broken[i.frame.Track] = b
}

// useless reports whether a frame cannot be decoded because one before it was
// refused. Then it is refused too.
func (s *segmenter) useless(i item) bool {
	if _, open := s.broken[i.frame.Track]; !open || i.frame.Key || i.track.Codec.Audio() {
		return false
	}
	s.refuse(i, nil)
	return true
}

// mend declares what is missing of a track, if something is, up to a frame or to
// the track's end at the latest.
func (s *segmenter) mend(uid uint64, until time.Duration) error {
	b, open := s.broken[uid]
	if !open {
		return nil
	}
	delete(s.broken, uid)
	e := media.Event{Time: b.from, Type: media.EventGap, Participant: b.track.Participant, Track: uid,
		From: b.from, To: max(b.from+time.Millisecond, min(b.to, until)), Reason: b.reason}
	s.declare(e)
	if s.object == nil {
		s.wait(item{event: &e}, until)
		return nil
	}
	return s.writeEvent(item{event: &e})
}
