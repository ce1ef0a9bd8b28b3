package media

import "time"

const (
	// LongestLead is how far beyond the end of a recording a frame may be: of a
	// sender who pushed so much ahead of time. What is later makes no sense.
	LongestLead = time.Minute
	// LongestOpen is the same beyond the beginning of the last segment, where
	// nothing says that the recording ended.
	LongestOpen = time.Hour
)

// End is where a recording ends of which these segments and events are known, the
// last ones among them, as the recorder reports it and readers show it.
func End(segments []IndexSegment, events []Event) time.Duration {
	stopped, limit := time.Duration(-1), LongestOpen
	for _, e := range events {
		if e.Type == EventStop {
			stopped = max(stopped, e.Time)
		}
	}
	if stopped >= 0 {
		limit = stopped + LongestLead
	}
	for _, seg := range segments {
		if stopped < 0 {
			limit = max(limit, seg.Start+LongestOpen)
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
