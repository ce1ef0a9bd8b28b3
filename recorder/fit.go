package recorder

import (
	"slices"
	"time"
)

// A point is what one sender report says: at this tick of the track, counted as
// a duration, its offset to the room's wall clock was this.
type point struct {
	tick, offset time.Duration
}

const (
	recentReports = 8                // that tell where the line is: 24 s of LiveKit's
	anchorReports = 20               // that tell how steep it is,
	anchorEvery   = 30 * time.Second // taken so far apart: ten minutes
	minSlopeSpan  = 9 * time.Second  // over less, the line is level
)

// A fit is a line through a track's sender reports, by medians (Theil and Sen),
// which a few wrong ones do not move. Many reports over minutes give its
// slope, for what a sender notes in a report is off by some milliseconds, and
// the last few its place.
type fit struct {
	recent, anchors []point

	slope float64 // offset gained a tick
	reach time.Duration
	from  time.Duration // tick of the newest report
	place time.Duration // the line's value there
}

func (f *fit) known() bool { return len(f.recent) > 0 }

// at is the line's value at a tick. Beyond the newest report the slope is
// followed for twice as long as the reports it was taken from lasted.
func (f *fit) at(tick time.Duration) time.Duration {
	return f.place + time.Duration(f.slope*float64(min(tick-f.from, f.reach)))
}

func (f *fit) add(p point) {
	f.recent = push(f.recent, p, recentReports)
	if n := len(f.anchors); n == 0 || p.tick-f.anchors[n-1].tick >= anchorEvery {
		f.anchors = push(f.anchors, p, anchorReports)
	}
	f.slope, f.reach = 0, 0
	of := f.recent
	if len(f.anchors) >= 4 {
		of = f.anchors
	}
	if span := of[len(of)-1].tick - of[0].tick; len(of) >= 4 && span >= minSlopeSpan {
		var slopes []float64
		for i, a := range of {
			for _, b := range of[i+1:] {
				if b.tick > a.tick {
					slopes = append(slopes, float64(b.offset-a.offset)/float64(b.tick-a.tick))
				}
			}
		}
		if len(slopes) > 0 {
			f.slope = max(-1./maxDrift, min(median(slopes), 1./maxDrift))
			f.reach = 2 * span
		}
	}
	f.from = p.tick
	rests := make([]float64, len(f.recent))
	for i, q := range f.recent {
		rests[i] = float64(q.offset-p.offset) - f.slope*float64(q.tick-p.tick)
	}
	f.place = p.offset + time.Duration(median(rests))
}

// push appends p and lets go of the oldest of more than limit.
func push(s []point, p point, limit int) []point {
	if len(s) == limit {
		s = append(s[:0], s[1:]...)
	}
	return append(s, p)
}

// median sorts s, which is not empty.
func median(s []float64) float64 {
	slices.Sort(s)
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
