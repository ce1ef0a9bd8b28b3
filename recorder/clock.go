package recorder

import "time"

// The recording clock. Every track counts RTP ticks from a random start on its
// sender's crystal. Two things tell where they lie on the recording clock: when
// frames arrive (see arrivals), and a server's sender reports, which tie ticks to
// the server's wall clock, one clock for all tracks (see fit and wallClock).
//
// A frame belongs where a listener would have heard it. Arrival decides where
// that is: it cannot be forged, but is as coarse as the network. Reports that
// agree with it tell the same to the millisecond, and keep tracks together over
// a jam; those that do not are wrong, or late to tell that the track's time
// changed, and are not believed.

const (
	jumpLimit = 250 * time.Millisecond // a larger correction forwards is made at once
	slewRate  = 5 * time.Millisecond   // a second: a correction bends the track's time by 0.5 %,
	slewTime  = time.Second            // or by so much that a large one takes about so long,
	maxSlew   = 100 * time.Millisecond // a second: but never by more than 10 %
	silence   = time.Second            // after so long without a frame it is made at once

	nearReport  = 50 * time.Millisecond  // a report so far from the others and from arrival agrees with them
	maxAhead    = 50 * time.Millisecond  // frames cannot come before they were captured, but reports are coarse
	maxLag      = 500 * time.Millisecond // a sender that encodes for longer is not believed
	maxJam      = time.Second            // a network that holds everything up for longer is not either
	freshReport = 10 * time.Second       // if a report was believed so lately, else for no longer than usual
	lagRise     = 5 * time.Millisecond   // how much the lag may grow by one report: a jam is not forever
)

// A trackClock turns one track's RTP time stamps into times on the recording
// clock. It is not safe for concurrent use.
type trackClock struct {
	watch *stopwatch
	rate  int64
	wall  *wallClock

	begun bool
	count int64         // ticks of the last frame, unwrapped
	seen  time.Duration // when it came

	arrivals arrivals
	fit      fit           // offsets by reports, on their wall clock
	lag      time.Duration // how long after its time by reports a frame comes that nothing held up
	lagged   bool          // it is known
	adrift   bool          // the track's time changed, and reports have not said so yet
	tilted   bool          // arrivals seem to say so, and those of other tracks do not
	suspect  point         // a report that contradicts the others
	doubted  bool          // there is one

	offset time.Duration // recording time of tick 0, as applied
	tick   time.Duration // at this tick
}

func newTrackClock(watch *stopwatch, rate int, wall *wallClock) *trackClock {
	return &trackClock{watch: watch, rate: int64(max(1, rate)), wall: wall}
}

// duration converts RTP ticks to a duration without overflow for 64-bit counts
// that a random 32-bit start and a few years of 90 kHz can reach.
func (c *trackClock) duration(ticks int64) time.Duration {
	sec, rest := ticks/c.rate, ticks%c.rate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/time.Duration(c.rate)
}

// unwrap extends a time stamp to 64 bits: the one nearest to what the last frame
// had, and what passed since.
func (c *trackClock) unwrap(ts uint32, at time.Duration) int64 {
	if !c.begun {
		return int64(ts)
	}
	passed := at - c.seen
	expected := c.count + int64(passed/time.Second)*c.rate + int64(passed%time.Second)*c.rate/int64(time.Second)
	return expected + int64(int32(ts-uint32(expected)))
}

// read returns the tick of a frame that arrived at a time.
func (c *trackClock) read(ts uint32, at time.Duration) time.Duration {
	c.count = c.unwrap(ts, at)
	c.begun, c.seen = true, at
	return c.duration(c.count)
}

// arrived is the offset at a tick by arrival.
func (c *trackClock) arrived(tick time.Duration) time.Duration {
	return c.arrivals.at(tick, c.arrivals.lean.or(c.fit.lean))
}

// reported is the offset at a tick by reports.
func (c *trackClock) reported(tick time.Duration) time.Duration {
	return c.fit.at(tick) + c.wall.offset()
}

// usual is the offset at a tick by the arrival of those frames before that did
// not come just now.
func (c *trackClock) usual(tick time.Duration) time.Duration {
	return c.arrivals.before(tick, c.arrivals.lean.or(c.fit.lean))
}

// late is by how much a frame came later than the fastest ones do.
func (c *trackClock) late(tick, at time.Duration) time.Duration { return at - tick - c.usual(tick) }

// observe takes a frame whose arrival agrees with those before.
func (c *trackClock) observe(tick, at time.Duration) {
	if a := &c.arrivals; a.add(point{tick, at - tick}, at) {
		alone := c.wall.rises(c, a.rise, at)
		switch rises := a.lean.reach > 0 && a.lean.slope > 0; {
		case !rises:
			c.tilted = false
		case !c.tilted && alone:
			// Its clock runs slower since, or a network of its own holds up more and more.
			// Who listens hears the same; the next report tells.
			c.tilted, c.adrift = true, c.adrift || a.lean.slope-c.fit.lean.slope > noCrystal
		}
	}
	c.slew(tick)
}

// time is when a frame belongs.
func (c *trackClock) time(tick time.Duration) time.Duration { return tick + c.offset }

// step moves the track: its frames come so much later than they did, or earlier,
// and that is no delay.
func (c *trackClock) step(tick, by time.Duration) {
	place := c.usual(tick) + by
	c.arrivals = arrivals{lean: c.arrivals.lean}
	c.arrivals.add(point{tick, place}, tick+place)
	// What arrival seemed to say may have been what a jam left behind.
	if d := place - c.reported(tick); !c.fit.known() || d < -nearReport || d > c.lag+nearReport {
		c.adrift = true
	}
	c.set(tick)
}

// set applies at once what is known.
func (c *trackClock) set(tick time.Duration) {
	c.offset, _ = c.wanted(tick)
	c.tick = tick
}

// slew moves the applied offset towards the wanted one, by no more than the
// track's own progress allows, so that its time keeps running forwards.
func (c *trackClock) slew(tick time.Duration) {
	passed := tick - c.tick
	if passed <= 0 {
		return
	}
	c.tick = tick
	want, lean := c.wanted(tick)
	c.offset += lean.over(passed)
	diff := want - c.offset
	if diff > jumpLimit || passed >= silence {
		c.offset = want
		return
	}
	rate := min(max(slewRate, diff.Abs()*time.Second/slewTime), maxSlew)
	step := rate * passed / time.Second
	c.offset += max(-step, min(step, diff))
}

// wanted is the offset at a tick by all that is known, and how steep that is.
func (c *trackClock) wanted(tick time.Duration) (time.Duration, lean) {
	arrived := c.arrived(tick)
	if c.fit.steady() && !c.adrift {
		// That the network jams, and not the track's time that changed, only reports can tell.
		most := maxJam
		if tick-c.fit.from > freshReport {
			most = c.lag + maxAhead
		}
		if r := c.reported(tick); arrived-r >= -maxAhead && arrived-r <= most {
			return r, c.fit.lean
		}
	}
	return arrived - c.lag, c.arrivals.lean.or(c.fit.lean)
}

// off is how far the applied offset is from the wanted one.
func (c *trackClock) off() time.Duration {
	want, _ := c.wanted(c.tick)
	return (want - c.offset).Abs()
}

// report takes a sender report of the track.
func (c *trackClock) report(r SenderReport) {
	if c.arrivals.filled == 0 || r.NTP.IsZero() {
		return
	}
	// Round strips our monotonic reading, which their wall clock knows nothing
	// of; arrival keeps it, so a step of our own wall clock does no harm.
	at := c.watch.at(r.Arrival)
	ntp, known := c.wall.room(r.NTP.Sub(c.watch.start.Round(0)))
	tick := c.duration(c.unwrap(r.RTP, at))
	p := point{tick, ntp - tick}
	if !known {
		c.believe(p, at)
		return
	}
	if c.tilted && c.onLine(p) {
		// Nothing changed but how long the network takes.
		c.wall.vote(c, 0, at)
		c.believe(p, at)
		return
	}
	want, _ := c.wanted(tick)
	off := p.offset + c.wall.offset() - want
	step := c.wall.vote(c, off, at)
	p.offset, off = p.offset-step, off-step
	switch {
	case off.Abs() <= nearReport && at-tick < want-maxAhead:
		// It came before it was made: the machine slept, and does not know it yet.
	case off.Abs() <= nearReport:
		c.believe(p, at)
	case c.doubted && (p.offset-c.suspect.offset).Abs() <= nearReport && c.likely(p):
		c.fit.begin(c.suspect, c.arrivals.lean)
		c.believe(p, at)
	default:
		c.adrift = c.adrift || c.likely(p)
		c.suspect, c.doubted = p, true
	}
}

// onLine reports whether a report says the same as those before, to a fraction of
// what they differ by.
func (c *trackClock) onLine(p point) bool {
	return c.fit.known() && (p.offset+c.wall.offset()-c.reported(p.tick)).Abs() <= nearReport/4
}

// likely reports whether a report that contradicts the others is nearer to
// arrival than they are.
func (c *trackClock) likely(p point) bool {
	arrived := c.arrived(p.tick)
	lag := arrived - p.offset - c.wall.offset()
	most := maxLag
	if c.lagged {
		want, _ := c.wanted(p.tick)
		most = (arrived - want).Abs()
	}
	return lag >= -maxAhead && lag.Abs() < most
}

// believe takes a report that is believed.
func (c *trackClock) believe(p point, at time.Duration) {
	if c.tilted && c.onLine(p) || !c.tilted && c.fit.known() && (p.offset+c.wall.offset()-c.reported(p.tick)).Abs() <= nearReport {
		c.fit.add(p, c.arrivals.lean)
	} else {
		c.fit.begin(p, c.arrivals.lean)
	}
	c.adrift, c.doubted = false, false
	// The line is steadier than what one report says, and there are more frames
	// than reports to be the fastest.
	line := c.reported(p.tick) - c.wall.offset()
	c.wall.observe(c, min(at-p.tick, c.arrived(p.tick))-line, at)
	if !c.fit.steady() {
		return
	}
	lag := max(0, min(c.arrived(p.tick)-c.reported(p.tick), maxLag))
	if c.lagged {
		lag = min(lag, c.lag+lagRise)
	}
	c.lag, c.lagged = lag, true
}
