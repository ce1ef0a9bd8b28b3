package recorder

import "time"

// The recording clock. Every track counts RTP ticks by its sender's crystal, from a
// random start. Two things say where the ticks are on the recording clock. One is the
// arrival of frames (see arrivalLine). The other are the server's sender reports, which
// tie ticks to the server's wall clock, one clock for all tracks (see reportLine and
// roomClock).
//
// A frame belongs where a listener would have heard it. Arrival decides where that is: it
// cannot be forged, but it is as coarse as the network. Reports that agree with it are
// exact to the millisecond, and keep tracks together through a jam. Other reports are
// wrong, or from before the track's time changed, and are ignored.

const (
	jumpLimit = 250 * time.Millisecond // a larger correction forwards is made at once
	slewRate  = 5 * time.Millisecond   // correction a second: it bends the track's time by 0.5 %
	slewTime  = time.Second            // a large correction is faster, so that it takes about this long
	maxSlew   = 100 * time.Millisecond // largest correction a second: 10 %
	silence   = time.Second            // after this long without a frame, a correction is made at once

	nearReport     = 50 * time.Millisecond  // a report that is nearer to the others and to arrival agrees with them
	maxReportEarly = 50 * time.Millisecond  // frames cannot come before they were captured, but reports are coarse
	maxLag         = 500 * time.Millisecond // no sender has a larger lag
	maxJam         = time.Second            // no network has a longer jam
	freshReport    = 10 * time.Second       // an older report does not prove a jam
	lagRise        = 5 * time.Millisecond   // how much one report may add to the lag, since a jam does not last
)

// A trackClock turns one track's RTP time stamps into times on the recording
// clock. It is not safe for concurrent use.
type trackClock struct {
	recording *recordingClock
	rate      int64
	room      *roomClock

	begun bool
	count int64         // ticks of the last frame, unwrapped
	seen  time.Duration // when that frame came

	byArrival     arrivalLine
	byReports     reportLine    // offsets by reports, on their wall clock
	lag           time.Duration // how long after its time by reports a frame comes, without a jam
	lagKnown      bool
	timeChanged   bool  // frames show that the sender's time changed, and no report has confirmed it
	arrivalsRise  bool  // frames come later and later, and those of other tracks do not
	contradiction point // the last report that contradicts the others, if contradicted
	contradicted  bool

	offset time.Duration // recording time of tick 0, as applied
	tick   time.Duration // at this tick
}

func newTrackClock(watch *recordingClock, rate int, wall *roomClock) *trackClock {
	return &trackClock{recording: watch, rate: int64(max(1, rate)), room: wall}
}

// duration converts RTP ticks to a duration. It does not overflow for counts that a random
// 32-bit start and a few years at 90 kHz can reach.
func (c *trackClock) duration(ticks int64) time.Duration {
	sec, rest := ticks/c.rate, ticks%c.rate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/time.Duration(c.rate)
}

// unwrap extends a time stamp to 64 bits: to the value nearest to that of the last frame
// plus the time since.
func (c *trackClock) unwrap(ts uint32, at time.Duration) int64 {
	if !c.begun {
		return int64(ts)
	}
	passed := at - c.seen
	expected := c.count + int64(passed/time.Second)*c.rate + int64(passed%time.Second)*c.rate/int64(time.Second)
	return expected + int64(int32(ts-uint32(expected)))
}

// readTick returns the tick of a frame that arrived at a time.
func (c *trackClock) readTick(ts uint32, at time.Duration) time.Duration {
	c.count = c.unwrap(ts, at)
	c.begun, c.seen = true, at
	return c.duration(c.count)
}

// offsetByArrival returns the offset at a tick by arrival.
func (c *trackClock) offsetByArrival(tick time.Duration) time.Duration {
	return c.byArrival.at(tick, c.byArrival.gradient.or(c.byReports.gradient))
}

// offsetByReports returns the offset at a tick by reports.
func (c *trackClock) offsetByReports(tick time.Duration) time.Duration {
	return c.byReports.at(tick) + c.room.offset()
}

// usualOffset returns the offset at a tick by the arrival of all frames but the newest.
func (c *trackClock) usualOffset(tick time.Duration) time.Duration {
	return c.byArrival.atWithoutNewest(tick, c.byArrival.gradient.or(c.byReports.gradient))
}

// lateness returns how much later a frame came than the fastest ones do.
func (c *trackClock) lateness(tick, at time.Duration) time.Duration {
	return at - tick - c.usualOffset(tick)
}

// observe takes a frame whose arrival agrees with those before.
func (c *trackClock) observe(tick, at time.Duration) {
	if a := &c.byArrival; a.add(point{tick, at - tick}, at) {
		alone := c.room.observeRise(c, a.rise, at)
		switch rises := a.gradient.reach > 0 && a.gradient.slope > 0; {
		case !rises:
			c.arrivalsRise = false
		case !c.arrivalsRise && alone:
			// Its clock has become slower, or its own network more and more of a jam. A
			// listener hears the same; the next report decides.
			c.arrivalsRise, c.timeChanged = true, c.timeChanged || a.gradient.slope-c.byReports.gradient.slope > noCrystal
		}
	}
	c.slew(tick)
}

// time returns the time at which a frame belongs.
func (c *trackClock) time(tick time.Duration) time.Duration { return tick + c.offset }

// step moves the track's time because its frames come later or earlier than before, and
// that is no delay of the network.
func (c *trackClock) step(tick, by time.Duration) {
	place := c.usualOffset(tick) + by
	c.byArrival = arrivalLine{gradient: c.byArrival.gradient}
	c.byArrival.add(point{tick, place}, tick+place)
	// The arrivals before may have been those of a jam.
	if d := place - c.offsetByReports(tick); !c.byReports.known() || d < -nearReport || d > c.lag+nearReport {
		c.timeChanged = true
	}
	c.set(tick)
}

// set applies the wanted offset at once.
func (c *trackClock) set(tick time.Duration) {
	c.offset, _ = c.wantedOffset(tick)
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
	want, lean := c.wantedOffset(tick)
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

// wantedOffset returns the offset at a tick by arrivals and reports, and its gradient.
func (c *trackClock) wantedOffset(tick time.Duration) (time.Duration, gradient) {
	arrived := c.offsetByArrival(tick)
	if c.byReports.steady() && !c.timeChanged {
		// Only reports can tell a jam of the network from a change of the track's time.
		most := maxJam
		if tick-c.byReports.from > freshReport {
			most = c.lag + maxReportEarly
		}
		if r := c.offsetByReports(tick); arrived-r >= -maxReportEarly && arrived-r <= most {
			return r, c.byReports.gradient
		}
	}
	return arrived - c.lag, c.byArrival.gradient.or(c.byReports.gradient)
}

// offsetError returns how far the applied offset is from the wanted one.
func (c *trackClock) offsetError() time.Duration {
	want, _ := c.wantedOffset(c.tick)
	return (want - c.offset).Abs()
}

// report takes in a sender report of the track.
func (c *trackClock) report(r SenderReport) {
	if c.byArrival.filled == 0 || r.NTP.IsZero() {
		return
	}
	// Round strips our monotonic reading, which their wall clock knows nothing
	// of; arrival keeps it, so a step of our own wall clock does no harm.
	at := c.recording.at(r.Arrival)
	ntp, known := c.room.withoutSteps(r.NTP.Sub(c.recording.start.Round(0)))
	tick := c.duration(c.unwrap(r.RTP, at))
	p := point{tick, ntp - tick}
	if !known {
		c.accept(p, at)
		return
	}
	if c.arrivalsRise && c.agreesWithLine(p) {
		// Nothing changed but how long the network takes.
		c.room.vote(c, 0, at)
		c.accept(p, at)
		return
	}
	want, _ := c.wantedOffset(tick)
	off := p.offset + c.room.offset() - want
	step := c.room.vote(c, off, at)
	p.offset, off = p.offset-step, off-step
	switch {
	case off.Abs() <= nearReport && at-tick < want-maxReportEarly:
		// It came before it was made: the machine slept, and checkSleep has not seen it yet.
	case off.Abs() <= nearReport:
		c.accept(p, at)
	case c.contradicted && (p.offset-c.contradiction.offset).Abs() <= nearReport && c.nearerToArrival(p):
		c.byReports.begin(c.contradiction, c.byArrival.gradient)
		c.accept(p, at)
	default:
		c.timeChanged = c.timeChanged || c.nearerToArrival(p)
		c.contradiction, c.contradicted = p, true
	}
}

// agreesWithLine reports whether a report is on the line of those before it, more exactly
// than reports usually are.
func (c *trackClock) agreesWithLine(p point) bool {
	return c.byReports.known() && (p.offset+c.room.offset()-c.offsetByReports(p.tick)).Abs() <= nearReport/4
}

// nearerToArrival reports whether a report that contradicts the others is nearer to
// arrival than they are.
func (c *trackClock) nearerToArrival(p point) bool {
	arrived := c.offsetByArrival(p.tick)
	lag := arrived - p.offset - c.room.offset()
	most := maxLag
	if c.lagKnown {
		want, _ := c.wantedOffset(p.tick)
		most = (arrived - want).Abs()
	}
	return lag >= -maxReportEarly && lag.Abs() < most
}

// accept takes a report that agrees with the others or replaces them.
func (c *trackClock) accept(p point, at time.Duration) {
	if c.arrivalsRise && c.agreesWithLine(p) || !c.arrivalsRise && c.byReports.known() && (p.offset+c.room.offset()-c.offsetByReports(p.tick)).Abs() <= nearReport {
		c.byReports.add(p, c.byArrival.gradient)
	} else {
		c.byReports.begin(p, c.byArrival.gradient)
	}
	c.timeChanged, c.contradicted = false, false
	// The line is steadier than what one report says, and there are more frames
	// than reports to be the fastest.
	line := c.offsetByReports(p.tick) - c.room.offset()
	c.room.observe(c, min(at-p.tick, c.offsetByArrival(p.tick))-line, at)
	if !c.byReports.steady() {
		return
	}
	lag := max(0, min(c.offsetByArrival(p.tick)-c.offsetByReports(p.tick), maxLag))
	if c.lagKnown {
		lag = min(lag, c.lag+lagRise)
	}
	c.lag, c.lagKnown = lag, true
}
