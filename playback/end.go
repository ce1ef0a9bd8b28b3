package playback

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// longestLead is how far beyond the end of a recording a frame may be: of a
	// sender who pushed so much ahead of time. What is later makes no sense.
	longestLead = time.Minute
	// longestOpen is the same beyond the beginning of the last segment, where
	// nothing says that the recording ended.
	longestOpen = time.Hour
)

// bound finds how late something of the recording may be, and where it ends. One
// wrong time far ahead must not make the recording that long: an export fills it
// with silence to the end. s.mu is held.
func (s *Session) bound() {
	var stopped time.Duration = -1
	for _, e := range s.events {
		if e.Type == media.EventStop {
			stopped = max(stopped, e.Time)
		}
	}
	s.limit = stopped + longestLead
	if stopped < 0 {
		// Where a segment begins one wrong time ahead does not move.
		var last time.Duration
		for i := range s.segments {
			if seg := &s.segments[i]; seg.timed {
				last = seg.From
			}
		}
		s.limit = last + longestOpen
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

// End is where a recording ends of which these segments and events are known, the
// last ones among them, as Session.Duration tells it.
func End(segments []media.IndexSegment, events []media.Event) time.Duration {
	stopped, limit := time.Duration(-1), longestOpen
	for _, e := range events {
		if e.Type == media.EventStop {
			stopped = max(stopped, e.Time)
		}
	}
	if stopped >= 0 {
		limit = stopped + longestLead
	}
	for _, seg := range segments {
		if stopped < 0 {
			limit = max(limit, seg.Start+longestOpen)
		}
	}
	end := max(0, stopped)
	later := func(at time.Duration) {
		if at <= limit {
			end = max(end, at)
		}
	}
	for _, seg := range segments {
		later(seg.Start)
		later(seg.Start + seg.Duration)
	}
	for _, e := range events {
		later(e.Time)
	}
	return end
}

// latest is how late a frame of the recording may be.
func (s *Session) latest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit
}
