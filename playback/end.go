package playback

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// bound sets how late something of the recording may be, and where the recording
// ends. One wrong time far ahead must not make the recording that long: an export
// fills it with silence to the end. The caller holds s.mu.
func (s *Session) bound() {
	var stopped time.Duration = -1
	for _, e := range s.events {
		if e.Type == media.EventStop {
			stopped = max(stopped, e.Time)
		}
	}
	s.limit = stopped + media.LongestLead
	if stopped < 0 {
		// One wrong time ahead does not change where a segment begins.
		var last time.Duration
		for i := range s.segments {
			if seg := &s.segments[i]; seg.timed {
				last = seg.From
			}
		}
		s.limit = last + media.LongestOpen
	}
	s.duration = max(0, stopped)
	for _, e := range s.events {
		if e.Time <= s.limit {
			s.duration = max(s.duration, e.Time)
		}
	}
	for i := range s.segments {
		if seg := &s.segments[i]; seg.timed && seg.To <= s.limit {
			s.duration = max(s.duration, seg.To)
		} else if seg.timed && seg.From <= s.limit {
			s.duration = max(s.duration, seg.From, seg.near)
		}
	}
}

// latest returns the latest time that a frame of the recording may have.
func (s *Session) latest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit
}
