package recorder

import (
	"math"
	"time"
)

const (
	binTime       = 500 * time.Millisecond // an arrivalLine has one point of each so long a time,
	binFrames     = 8                      // or longer, until so many frames came,
	maxBin        = 5 * time.Second        // but not longer than this
	freshBin      = time.Minute            // an older point says little, without reports, of a crystal that drifts
	minSlopeTime  = 2 * time.Second        // over a shorter time no gradient is found
	minRise       = 40 * time.Millisecond  // a smaller move of the lowest offsets is noise
	maxSlope      = 0.05                   // no clock is so far off
	gradientReach = 10 * time.Second       // how long a gradient by arrivals is followed
)

// A gradient is the slope of a line of offsets, and how far it is followed.
type gradient struct {
	slope float64
	reach time.Duration
}

// or is l or, if it is not known, another.
func (l gradient) or(other gradient) gradient {
	if l.reach == 0 {
		return other
	}
	return l
}

// over is what the line gains in d; if d is negative, what it had less.
func (l gradient) over(d time.Duration) time.Duration {
	return time.Duration(l.slope * float64(max(-l.reach, min(d, l.reach))))
}

// An arrivalLine places a track's ticks on the recording clock by when its frames came. A
// network only adds delay, so the line runs along the lowest offsets of the last seconds.
type arrivalLine struct {
	lowest   [8]point // of one time each, a ring
	filled   int
	newest   int           // the one under way,
	since    time.Duration // from then on
	frames   int           // that came in it
	gradient gradient      // of a sender whose clock is off by far more than crystals are
	rise     time.Duration // what the lowest offsets gained in the time that they are of
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

// at is the offset of a tick, by a line with a gradient.
func (a *arrivalLine) at(tick time.Duration, l gradient) time.Duration { return a.line(tick, l, -1) }

// atWithoutNewest is at without the newest point, if there is another: so frames that come
// too early are noticed, however many they are.
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

// findGradient sets the gradient if the line is steeper than noise makes it.
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
