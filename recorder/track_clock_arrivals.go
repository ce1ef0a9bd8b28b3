package recorder

import (
	"math"
	"time"
)

const (
	binTime       = 500 * time.Millisecond // an arrivalLine has one point for each time of this length
	binFrames     = 8                      // the time is longer if fewer frames than this came in it
	maxBin        = 5 * time.Second        // the longest time for one point
	freshBin      = time.Minute            // without reports, older points say little, since crystals drift
	minSlopeTime  = 2 * time.Second        // the shortest time that gives a gradient
	minRise       = 40 * time.Millisecond  // a smaller change of the lowest offsets is noise
	maxSlope      = 0.05                   // no clock is further off
	gradientReach = 10 * time.Second       // how long a gradient by arrivals is followed
)

// A gradient is the slope of a line of offsets, and how far it is followed.
type gradient struct {
	slope float64
	reach time.Duration
}

// or returns l. If l is not known, it returns the other gradient.
func (l gradient) or(other gradient) gradient {
	if l.reach == 0 {
		return other
	}
	return l
}

// over returns how much the line rises in d. For a negative d it returns how much lower it
// was.
func (l gradient) over(d time.Duration) time.Duration {
	return time.Duration(l.slope * float64(max(-l.reach, min(d, l.reach))))
}

// An arrivalLine places a track's ticks on the recording clock by when its frames came. A
// network only adds delay, so the line runs along the lowest offsets of the last seconds.
type arrivalLine struct {
	lowest   [8]point // the lowest offset of each time, as a ring
	filled   int
	newest   int           // index of the present time's point
	since    time.Duration // beginning of the present time
	frames   int           // how many came in it
	gradient gradient      // of a sender whose clock is off by far more than crystals are
	rise     time.Duration // how much the lowest offsets rose from the oldest to the newest
}

// add takes the offset of a frame that arrived at a time. It reports whether the gradient
// was found anew.
func (a *arrivalLine) add(p point, at time.Duration) (looked bool) {
	passed := at - a.since
	switch {
	case a.filled == 0:
		*a = arrivalLine{filled: 1, since: at, gradient: a.gradient}
		a.lowest[0] = p
	case passed >= maxBin, passed >= binTime && a.frames >= binFrames:
		a.findGradient()
		looked = true
		a.newest = (a.newest + 1) % len(a.lowest)
		a.filled = min(a.filled+1, len(a.lowest))
		a.since, a.frames = at, 0
		a.lowest[a.newest] = p
	case p.offset < a.lowest[a.newest].offset:
		a.lowest[a.newest] = p
	}
	a.frames++
	return looked
}

// at returns the offset of a tick by a line with a gradient.
func (a *arrivalLine) at(tick time.Duration, l gradient) time.Duration { return a.line(tick, l, -1) }

// atWithoutNewest returns what at does without the newest point, if there is another. So
// frames that come too early are noticed, however many they are.
func (a *arrivalLine) atWithoutNewest(tick time.Duration, l gradient) time.Duration {
	if a.filled == 1 {
		return a.at(tick, l)
	}
	return a.line(tick, l, a.newest)
}

func (a *arrivalLine) line(tick time.Duration, l gradient, without int) (low time.Duration) {
	any, fresh := false, false
	for i, p := range a.lowest[:a.filled] {
		if i == without {
			continue
		}
		recent := tick-p.tick <= max(l.reach, freshBin)
		if o := p.offset + l.over(tick-p.tick); !any || recent && !fresh || recent == fresh && o < low {
			low, any, fresh = o, true, recent
		}
	}
	return low
}

// findGradient sets the gradient if the line is steeper than noise could make it.
func (a *arrivalLine) findGradient() {
	points := a.lowest[:a.filled]
	first, last := points[0].tick, points[0].tick
	for _, p := range points {
		first, last = min(first, p.tick), max(last, p.tick)
	}
	if a.rise = 0; last-first < minSlopeTime {
		return
	}
	s := slope(points)
	a.rise = time.Duration(s * float64(last-first))
	if a.gradient = (gradient{}); a.rise.Abs() > minRise && math.Abs(s) > noCrystal {
		a.gradient = gradient{max(-maxSlope, min(s, maxSlope)), gradientReach}
	}
}
