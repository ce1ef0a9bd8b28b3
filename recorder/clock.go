package recorder

import (
	"sync"
	"time"
)

// The recording clock. Every track counts RTP ticks from a random start on its
// sender's crystal. A server's sender reports tie those ticks to the server's
// wall clock, one clock for all tracks, and one offset ties that wall clock to
// ours. Until a track's first report, the arrival of its packets has to do.

const (
	reportWindow = 5                      // reports averaged: at 3 s each and 200 ppm, 1.5 ms behind
	jumpLimit    = 250 * time.Millisecond // a larger correction is made at once
	slewRate     = 5 * time.Millisecond   // a second; a smaller one bends the track's time by 0.5 %
	fastSlewRate = 20 * slewRate          // a large one backwards, for time must not run so
)

// A wallClock learns how far a room's wall clock is from the recorder's, over
// all its tracks: the smallest difference seen, for delay only ever adds.
type wallClock struct {
	mu     sync.Mutex
	known  bool
	offset time.Duration // ours minus theirs, network delay of the fastest report included
}

// observe takes a report that says ntp and arrived at arrival, both counted
// from the recording's start, and returns the offset to add to ntp.
func (w *wallClock) observe(ntp, arrival time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := arrival - ntp
	switch {
	case !w.known, d < w.offset:
		w.known, w.offset = true, d
	default:
		// Crystals drift apart: give way slowly, or a room whose clock runs
		// behind ours would be held to its first, lowest reading for ever.
		w.offset += (d - w.offset) / 256
	}
	return w.offset
}

// A trackClock turns one track's unwrapped RTP time stamps into times on the
// recording clock. It is not safe for concurrent use.
type trackClock struct {
	start time.Time // zero of the recording clock
	rate  int64
	wall  *wallClock

	started bool
	offset  time.Duration // recording time of tick 0, as applied
	slewed  time.Duration // recording time up to which offset was slewed

	last    int64           // newest time stamp seen
	arrived time.Duration   // smallest arrival-based offset, until a report comes
	reports []time.Duration // offsets by the last reports
}

func newTrackClock(start time.Time, rate int, wall *wallClock) *trackClock {
	return &trackClock{start: start, rate: int64(rate), wall: wall}
}

// ticks converts RTP ticks to a duration without overflow for 64-bit counts
// that a random 32-bit start and a few years of 90 kHz can reach.
func (c *trackClock) ticks(n int64) time.Duration {
	sec, rest := n/c.rate, n%c.rate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/time.Duration(c.rate)
}

// observe notes when the first packet of a frame arrived. Every frame is
// observed, in order, before its time is asked for.
func (c *trackClock) observe(ts int64, arrival time.Time) {
	at := arrival.Sub(c.start) - c.ticks(ts)
	if !c.started {
		c.started, c.arrived, c.last = true, at, ts
	}
	c.arrived = min(c.arrived, at)
	c.last = max(c.last, ts)
}

// settle applies what was observed so far at once. It is called before the
// first time: packets that waited for the track to be set up arrive in a burst,
// and only the last of them tells how old the first was.
func (c *trackClock) settle() {
	c.offset = c.wanted()
	c.slewed = c.ticks(c.last) + c.offset
}

// time returns the recording time of a frame, which may be before zero.
func (c *trackClock) time(ts int64) time.Duration {
	c.slew(c.ticks(ts))
	return c.ticks(ts) + c.offset
}

// slew moves the applied offset towards the wanted one, by no more than the
// track's own progress allows, so that its time keeps running forwards.
func (c *trackClock) slew(tick time.Duration) {
	want := c.wanted()
	now := tick + c.offset
	diff := want - c.offset
	if diff > jumpLimit {
		c.offset, c.slewed = want, tick+want
		return
	}
	passed := now - c.slewed
	if passed <= 0 {
		return
	}
	rate := int64(slewRate)
	if diff < -jumpLimit {
		rate = int64(fastSlewRate)
	}
	step := time.Duration(rate * int64(min(passed, time.Minute)) / int64(time.Second))
	c.offset += max(-step, min(step, diff))
	c.slewed = now
}

func (c *trackClock) wanted() time.Duration {
	if len(c.reports) == 0 {
		return c.arrived
	}
	var sum time.Duration
	for _, o := range c.reports {
		sum += o - c.reports[0]
	}
	return c.reports[0] + sum/time.Duration(len(c.reports))
}

// report takes a sender report of the track.
func (c *trackClock) report(r SenderReport) {
	if !c.started || r.NTP.IsZero() {
		return
	}
	ts := c.last + int64(int32(r.RTP-uint32(c.last)))
	// Round strips our monotonic reading, which their wall clock knows nothing
	// of; arrival keeps it, so a step of our own wall clock does no harm.
	ntp := r.NTP.Sub(c.start.Round(0))
	o := ntp + c.wall.observe(ntp, r.Arrival.Sub(c.start)) - c.ticks(ts)
	if n := len(c.reports); n > 0 {
		if d := o - c.wanted(); d > jumpLimit || d < -jumpLimit {
			c.reports = c.reports[:0] // the track's time base changed: begin anew
		} else if n == reportWindow {
			c.reports = append(c.reports[:0], c.reports[1:]...)
		}
	}
	c.reports = append(c.reports, o)
}
