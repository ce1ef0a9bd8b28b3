package recorder

import (
	"math"
	"slices"
	"time"
)

// A point is an offset at a tick of a track, as a duration. It is an offset to the room's
// wall clock, as in a sender report, or to the recording clock.
type point struct {
	tick, offset time.Duration
}

const (
	recentReports = 8                // how many reports place the line: 24 s of LiveKit's
	anchorReports = 20               // how many reports give its slope
	anchorEvery   = 30 * time.Second // how far these are apart: ten minutes in all
	minSlopeSpan  = 9 * time.Second  // the shortest time that gives a slope
	crystal       = 1. / 2000        // no crystal is off by more than 500 ppm
	noCrystal     = 4 * crystal      // a smaller slope than this is noise
)

// A reportLine is a line through a track's sender reports, by medians (Theil and Sen), so
// that a few wrong reports do not move it. Reports are off by some milliseconds. So many
// of them, over minutes, give the slope of the line, and the last few its place.
type reportLine struct {
	recent, anchors []point

	gradient gradient
	from     time.Duration // tick of the newest report
	place    time.Duration // the line's value there
}

func (f *reportLine) known() bool { return len(f.recent) > 0 }

// steady reports whether the line is more exact than arrival.
func (f *reportLine) steady() bool { return len(f.recent) > 1 }

// at returns the value of the line at a tick. Beyond the newest report, the slope is
// followed for twice the time that its reports span.
func (f *reportLine) at(tick time.Duration) time.Duration {
	return f.place + f.gradient.over(tick-f.from)
}

// begin begins the line anew with a report. The gradient stays.
func (f *reportLine) begin(p point, arrivals gradient) {
	*f = reportLine{gradient: f.gradient}
	f.add(p, arrivals)
}

// add adds a report. While there are too few reports for a gradient, the line has that of
// the arrivals, if there is one.
func (f *reportLine) add(p point, arrivals gradient) {
	f.recent = appendBounded(f.recent, p, recentReports)
	if n := len(f.anchors); n == 0 || p.tick-f.anchors[n-1].tick >= anchorEvery {
		f.anchors = appendBounded(f.anchors, p, anchorReports)
	}
	of := f.recent
	if len(f.anchors) >= 4 {
		of = f.anchors
	}
	if span := of[len(of)-1].tick - of[0].tick; len(of) >= 4 && span >= minSlopeSpan {
		s := slope(of)
		if math.Abs(s) <= noCrystal {
			s = max(-crystal, min(s, crystal))
		}
		f.gradient = gradient{max(-maxSlope, min(s, maxSlope)), 2 * span}
	} else if arrivals.reach > 0 {
		f.gradient = arrivals
	}
	f.from = p.tick
	rests := make([]float64, len(f.recent))
	for i, q := range f.recent {
		rests[i] = float64(q.offset-p.offset) - f.gradient.slope*float64(q.tick-p.tick)
	}
	f.place = p.offset + time.Duration(median(rests))
}

// slope returns the median of the slopes between any two points. It is 0 if all points are
// one.
func slope(of []point) float64 {
	slopes := make([]float64, 0, len(of)*(len(of)-1)/2)
	for i, a := range of {
		for _, b := range of[i+1:] {
			if b.tick != a.tick {
				slopes = append(slopes, float64(b.offset-a.offset)/float64(b.tick-a.tick))
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes)
}

// appendBounded appends p, and drops the oldest point if there are more than limit.
func appendBounded(s []point, p point, limit int) []point {
	if len(s) == limit {
		s = append(s[:0], s[1:]...)
	}
	return append(s, p)
}

// median returns the median of s, which is not empty. It sorts s.
func median(s []float64) float64 {
	slices.Sort(s)
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
