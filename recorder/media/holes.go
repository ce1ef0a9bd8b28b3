package media

import (
	"cmp"
	"slices"
	"time"
)

// touching is how near two holes are one: times in the timeline are
// milliseconds.
const touching = time.Millisecond

// WideHole is the shortest hole that makes a recording incomplete.
const WideHole = time.Second

// Holes returns the holes that the events declare, in order of From; Time is
// From. Holes of one track and reason that touch are merged, since a hole may be
// declared in pieces, one for each segment that it crosses. Text is the track's
// label in the timeline, also for a track without media. For a hole without a
// track it is the participant's name.
func Holes(events []Event) []Event {
	return merge(events, func(e Event) string { return e.Reason })
}

func merge(events []Event, reason func(Event) string) []Event {
	tracks, names := make(map[uint64]string), make(map[string]string)
	for _, e := range events {
		switch e.Type {
		case EventTrack:
			tracks[e.Track] = e.Text
		case EventJoin:
			names[e.Participant] = e.Name
		}
	}
	var holes []Event
	for _, e := range events {
		if e.Type == EventHole && e.To > e.From {
			e.Time = e.From
			if e.Text = tracks[e.Track]; e.Track == 0 {
				e.Text = cmp.Or(names[e.Participant], e.Participant)
			}
			holes = append(holes, e)
		}
	}
	slices.SortStableFunc(holes, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(owner(a), owner(b)), cmp.Compare(reason(a), reason(b)),
			cmp.Compare(a.From, b.From))
	})
	merged := holes[:0]
	for _, e := range holes {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if last.Track == e.Track && owner(*last) == owner(e) && reason(*last) == reason(e) && e.From <= last.To+touching {
				last.To = max(last.To, e.To)
				continue
			}
		}
		merged = append(merged, e)
	}
	slices.SortStableFunc(merged, func(a, b Event) int { return cmp.Compare(a.From, b.From) })
	return slices.Clip(merged)
}

// owner returns whose hole it is, if no track says so.
func owner(e Event) string {
	if e.Track != 0 {
		return ""
	}
	return e.Participant
}

// WideHoles returns the spans in which a track misses WideHole or more in one
// piece, for any reasons except wanted ones. If there is one, the recording is
// incomplete.
func WideHoles(events []Event) []Event {
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return Wanted(e.Reason) })
	return slices.DeleteFunc(merge(events, func(Event) string { return "" }),
		func(e Event) bool { return e.To-e.From < WideHole })
}
