package playback

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// touching is how near two holes are one: times in the timeline are
// milliseconds.
const touching = time.Millisecond

// incompleteHole is the shortest hole that makes a recording incomplete.
const incompleteHole = time.Second

// Holes returns the holes that the events declare, in order of From; Time is
// From. Those of one track and reason that touch are one: a hole may be declared
// in pieces, one for each segment that it crosses.
func Holes(events []media.Event) []media.Event {
	return merge(events, func(e media.Event) string { return e.Reason })
}

func merge(events []media.Event, reason func(media.Event) string) []media.Event {
	var gaps []media.Event
	for _, e := range events {
		if e.Type == media.EventGap && e.To > e.From {
			e.Time = e.From
			gaps = append(gaps, e)
		}
	}
	slices.SortStableFunc(gaps, func(a, b media.Event) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(reason(a), reason(b)),
			cmp.Compare(a.From, b.From))
	})
	merged := gaps[:0]
	for _, e := range gaps {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if last.Track == e.Track && reason(*last) == reason(e) && e.From <= last.To+touching {
				last.To = max(last.To, e.To)
				continue
			}
		}
		merged = append(merged, e)
	}
	slices.SortStableFunc(merged, func(a, b media.Event) int { return cmp.Compare(a.From, b.From) })
	return slices.Clip(merged)
}

// WideHoles returns the spans in which a track misses a second or more in one
// piece, whatever the reasons but that people wanted it. Where there
// is one the recording is incomplete.
func WideHoles(events []media.Event) []media.Event {
	events = slices.DeleteFunc(slices.Clone(events), func(e media.Event) bool { return media.Wanted(e.Reason) })
	return slices.DeleteFunc(merge(events, func(media.Event) string { return "" }),
		func(e media.Event) bool { return e.To-e.From < incompleteHole })
}

func wideHole(gaps []media.Event) bool { return len(WideHoles(gaps)) > 0 }
