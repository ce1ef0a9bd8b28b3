package media

import "time"

const (
	// LongestLead is how far after the end of a recording a frame may be: its
	// sender may have sent it that much ahead of time. A later time is wrong.
	LongestLead = time.Minute
	// LongestOpen is the same limit after the beginning of the last segment, if
	// nothing says that the recording ended.
	LongestOpen = time.Hour
)

// End returns where a recording ends, by its last segments and events. The
// recorder reports it and readers show it.
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
