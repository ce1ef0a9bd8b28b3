package recorder

import (
	"sync"
	"time"
)

// The recording clock. Every track counts RTP ticks from a random start on its
// sender's crystal. A server's sender reports tie those ticks to the server's
// wall clock, one clock for all tracks, and one offset ties that wall clock to
// ours. Until a track's first report, the arrival of its packets has to do.
//
// A line is laid through a track's reports (see fit): its slope is the drift of
// the sender's crystal. What the reports say is tied to our clock for all tracks
// at once, so that a wobble of the network moves them together.

const (
	jumpLimit = 250 * time.Millisecond // a larger correction forwards is made at once
	slewRate  = 5 * time.Millisecond   // a second: a correction bends the track's time by 0.5 %,
	slewTime  = 2 * time.Second        // or by so much that a large one takes about so long,
	maxSlew   = 100 * time.Millisecond // a second: but never by more than 10 %
	silence   = time.Second            // after so long without a frame it is made at once

	// A report that puts a frame so long after its arrival, or before it, is not
	// to be believed: the track's time base changed, or someone errs.
	maxAhead  = time.Second
	maxBehind = 5 * time.Second
)

// A floor is the smallest value that was observed lately: of delays, the one
// that the network added the least to. Crystals drift apart, so that it rises
// now and then, by no more than they can.
type floor struct {
	span   time.Duration    // of one of least
	least  [8]time.Duration // by time modulo their number
	filled [8]bool
	newest int64
	known  bool
	last   time.Duration // when it was last observed
	value  time.Duration
	stray  time.Duration // since when values are far off without a break, if away
	away   bool
}

const (
	maxDrift  = 2000             // one in so many, 500 ppm
	strayTime = 10 * time.Second // values far off count after so long
	maxFall   = 2 * time.Second  // a fall by more is far off too
)

// add observes d at the given time on the recording clock.
func (f *floor) add(at, d time.Duration) {
	n := int64(at / f.span)
	if f.known && (d > f.value+jumpLimit || d < f.value-maxFall) {
		if !f.away {
			f.away, f.stray = true, at
		}
		if at-f.stray < strayTime {
			return
		}
		f.known = false // a clock was set
	}
	f.away = false
	if !f.known {
		*f = floor{span: f.span, known: true, newest: n, last: at, value: d}
	}
	for ; f.newest < n; f.newest++ {
		f.filled[(f.newest+1)%int64(len(f.filled))] = false
		if n-f.newest > int64(len(f.filled)) {
			f.newest = n - int64(len(f.filled)) - 1
		}
	}
	if i := f.newest % int64(len(f.least)); !f.filled[i] || d < f.least[i] {
		f.filled[i], f.least[i] = true, d
	}
	low := d
	for i, ok := range f.filled {
		if ok {
			low = min(low, f.least[i])
		}
	}
	// After a silence a single value is no measure.
	f.value = min(low, f.value+max(0, min(at-f.last, time.Second))/maxDrift)
	f.last = max(f.last, at)
}

// A wallClock learns how far a room's wall clock is from the recorder's, over
// all its tracks. It is safe for concurrent use.
type wallClock struct {
	mu    sync.Mutex
	floor floor
}

// observe takes a report that says ntp and arrived at arrival, both counted
// from the recording's start.
func (w *wallClock) observe(ntp, arrival time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.floor.span = 15 * time.Second
	w.floor.add(arrival, arrival-ntp)
}

// offset is ours minus theirs, network delay of the fastest report included.
func (w *wallClock) offset() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.floor.value
}

// A trackClock turns one track's unwrapped RTP time stamps into times on the
// recording clock. It is not safe for concurrent use.
type trackClock struct {
	start time.Time // zero of the recording clock
	rate  int64
	wall  *wallClock

	started bool
	era     int64         // what a long silence took from the unwrapped time stamps, in ticks
	offset  time.Duration // recording time of tick 0, as applied
	last    time.Duration // recording time up to which offset was slewed

	arrivals floor         // offsets by arrival
	arrived  time.Duration // that of the last frame
	newest   time.Duration // the highest tick seen
	fit      fit           // offsets by reports, on their wall clock
	suspect  point         // a report that contradicts the others
	doubted  bool          // there is one
}

func newTrackClock(start time.Time, rate int, wall *wallClock) *trackClock {
	return &trackClock{start: start, rate: int64(rate), wall: wall, arrivals: floor{span: 5 * time.Second}}
}

// ticks converts RTP ticks to a duration without overflow for 64-bit counts
// that a random 32-bit start and a few years of 90 kHz can reach.
func (c *trackClock) ticks(n int64) time.Duration {
	sec, rest := n/c.rate, n%c.rate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/time.Duration(c.rate)
}

// count is the inverse of ticks.
func (c *trackClock) count(d time.Duration) int64 {
	return int64(d/time.Second)*c.rate + int64(d%time.Second)*c.rate/int64(time.Second)
}

// observe notes when the first packet of a frame arrived. Every frame is
// observed, in order, before its time is asked for.
func (c *trackClock) observe(ts int64, arrival time.Time) {
	now := arrival.Sub(c.start)
	if !c.started {
		c.started, c.offset = true, now-c.ticks(ts)
	}
	// Time stamps are unwrapped from one packet to the next. Where they paused
	// for half of their range or more, only the time that passed can tell.
	if away := c.count(now-c.offset) - (ts + c.era); away >= 1<<31 || away <= -1<<31 {
		c.era += (away + 1<<31) >> 32 << 32
	}
	tick := c.ticks(ts + c.era)
	c.arrived = now - tick
	c.arrivals.add(now, c.arrived)
	c.newest = max(c.newest, tick)
	if c.doubted && c.likely(c.suspect.offset) && (!c.fit.known() || !c.likely(c.fit.at(tick))) {
		c.rebase(c.suspect)
	}
}

// settle applies what was observed so far at once. It is called before the
// first time: packets that waited for the track to be set up arrive in a burst,
// and only the last of them tells how old the first was.
func (c *trackClock) settle() {
	c.offset = c.wanted(c.newest)
	c.last = c.newest + c.offset
}

// time returns the recording time of a frame, which may be before zero.
func (c *trackClock) time(ts int64) time.Duration {
	tick := c.ticks(ts + c.era)
	c.slew(tick)
	return tick + c.offset
}

// slew moves the applied offset towards the wanted one, by no more than the
// track's own progress allows, so that its time keeps running forwards.
func (c *trackClock) slew(tick time.Duration) {
	want := c.wanted(tick)
	diff := want - c.offset
	passed := tick + c.offset - c.last
	switch {
	case diff > jumpLimit:
		c.offset = want
	case passed <= 0:
		return
	case passed >= silence:
		c.offset = max(want, c.last-tick)
	default:
		rate := min(max(slewRate, diff.Abs()*time.Second/slewTime), maxSlew)
		step := rate * passed / time.Second
		c.offset += max(-step, min(step, diff))
	}
	c.last = max(c.last, tick+c.offset)
}

// wanted is the offset at a tick by all that is known.
func (c *trackClock) wanted(tick time.Duration) time.Duration {
	if !c.fit.known() {
		return c.arrivals.value
	}
	offset := c.fit.at(tick)
	if !c.likely(offset) {
		return c.arrivals.value
	}
	return offset + c.wall.offset()
}

// off is how far the applied offset is from the wanted one.
func (c *trackClock) off() time.Duration { return (c.wanted(c.newest) - c.offset).Abs() }

// likely reports whether an offset on the room's wall clock agrees with the
// arrival of the last frame.
func (c *trackClock) likely(offset time.Duration) bool {
	delay := c.arrived - offset - c.wall.offset()
	return delay >= -maxAhead && delay <= maxBehind
}

// report takes a sender report of the track.
func (c *trackClock) report(r SenderReport) {
	if !c.started || r.NTP.IsZero() {
		return
	}
	// Round strips our monotonic reading, which their wall clock knows nothing
	// of; arrival keeps it, so a step of our own wall clock does no harm.
	ntp, now := r.NTP.Sub(c.start.Round(0)), r.Arrival.Sub(c.start)
	// The report's time stamp is the one nearest to what this moment has.
	ts := c.count(now - c.offset)
	ts += int64(int32(r.RTP - uint32(ts)))
	tick := c.ticks(ts)
	p := point{tick: tick, offset: ntp - tick}
	if c.fit.known() && (p.offset-c.fit.at(tick)).Abs() <= jumpLimit {
		c.doubted = false
		c.fit.add(p)
		// The line is steadier than what one report says.
		c.wall.observe(tick+c.fit.at(tick), now)
		return
	}
	c.wall.observe(ntp, now)
	// Either the track's time base changed or the report errs. Frames tell, or
	// else the next report.
	again := c.doubted && (p.offset-c.suspect.offset).Abs() <= jumpLimit
	if c.likely(p.offset) && (again || !c.fit.known() || !c.likely(c.fit.at(tick))) {
		c.rebase(p)
	} else {
		c.suspect, c.doubted = p, true
	}
}

// rebase begins anew with a report.
func (c *trackClock) rebase(p point) {
	c.doubted = false
	c.fit = fit{}
	c.fit.add(p)
}
