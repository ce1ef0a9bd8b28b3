package recorder

import (
	"math"
	"time"
)

const (
	binTime      = 500 * time.Millisecond // one of the times that an arrivalLine remembers is so long,
	binFrames    = 8                      // and longer until so many frames came,
	maxBin       = 5 * time.Second        // but not longer than this
	freshBin     = time.Minute            // what is older says little of a crystal that reports say nothing of
	minSlopeTime = 2 * time.Second        // over less, it does not tell how steep its line is
	minRise      = 40 * time.Millisecond  // what the lowest offsets move by is no noise
	maxSlope     = 0.05                   // no clock is so far off
	tiltReach    = 10 * time.Second       // how long a slope that arrivals show is followed
)

// A gradient is how steep a line of offsets is, and for how long that is believed.
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

// over is what the line gains in so long, or had gained so long ago.
func (l gradient) over(d time.Duration) time.Duration {
	return time.Duration(l.slope * float64(max(-l.reach, min(d, l.reach))))
}

// An arrivalLine tells where a track's ticks lie on the recording clock by when its
// frames came. A network only adds delay, so that the line runs along the lowest
// offsets, those of the last seconds.
type arrivalLine struct {
	lowest   [8]point // of one time each, a ring
	filled   int
	newest   int           // the one under way,
	since    time.Duration // from then on
	frames   int           // that came in it
	gradient gradient      // of a sender whose clock is off by far more than crystals are
	rise     time.Duration // what the lowest offsets gained in the time that they are of
}

// add takes the offset of a frame that arrived at a time. It reports whether it
// looked anew how steep the line is.
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

// at is the offset of a tick, by a line as steep as l.
func (a *arrivalLine) at(tick time.Duration, l gradient) time.Duration { return a.line(tick, l, -1) }

// atWithoutNewest is the same without what came just now, if there is anything else: by
// this line, what comes too early is, however many do.
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

// findGradient finds out whether the line is steeper than noise makes it.
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
		a.gradient = gradient{max(-maxSlope, min(s, maxSlope)), tiltReach}
	}
}
