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
// in pieces, one for each segment that it crosses. Text is what the timeline calls
// the track, also one of which nothing was kept; for a hole without a track it is
// the participant's name.
func Holes(events []media.Event) []media.Event {
	return merge(events, func(e media.Event) string { return e.Reason })
}

func merge(events []media.Event, reason func(media.Event) string) []media.Event {
	tracks, names := make(map[uint64]string), make(map[string]string)
	for _, e := range events {
		switch e.Type {
		case media.EventTrack:
			tracks[e.Track] = e.Text
		case media.EventJoin:
			names[e.Participant] = e.Name
		}
	}
	var gaps []media.Event
	for _, e := range events {
		if e.Type == media.EventGap && e.To > e.From {
			e.Time = e.From
			if e.Text = tracks[e.Track]; e.Track == 0 {
				e.Text = cmp.Or(names[e.Participant], e.Participant)
			}
			gaps = append(gaps, e)
		}
	}
	slices.SortStableFunc(gaps, func(a, b media.Event) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(owner(a), owner(b)), cmp.Compare(reason(a), reason(b)),
			cmp.Compare(a.From, b.From))
	})
	merged := gaps[:0]
	for _, e := range gaps {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if last.Track == e.Track && owner(*last) == owner(e) && reason(*last) == reason(e) && e.From <= last.To+touching {
				last.To = max(last.To, e.To)
				continue
			}
		}
		merged = append(merged, e)
	}
	slices.SortStableFunc(merged, func(a, b media.Event) int { return cmp.Compare(a.From, b.From) })
	return slices.Clip(merged)
}

// owner is whose the hole is, where no track says so.
func owner(e media.Event) string {
	if e.Track != 0 {
		return ""
	}
	return e.Participant
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
