package recorder

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
)

const (
	firstHold       = 500 * time.Millisecond // how long the first units of a track are held
	maxPlayoutUnits = 4096                   // how many units of a track are held at most

	strayHold         = time.Second            // how long a stray waits for the frames that show why it strays
	strayEarly        = 40 * time.Millisecond  // a frame is a stray if it is earlier by this than usual
	strayLate         = 150 * time.Millisecond // a frame is a stray if it is later by this than usual and than the one before
	backEarly         = 10 * time.Millisecond  // a frame that is earlier by less, and later by less than backLate, ends the straying
	backLate          = 50 * time.Millisecond  // see backEarly
	levelWithin       = 100 * time.Millisecond // strays that differ by less are at one offset
	levelSpan         = 200 * time.Millisecond // how long strays must be at one offset to be believed
	levelFrames       = 3                      // how many of them must not have come at once
	atOnce            = 10 * time.Millisecond  // frames that are closer than this came at once
	farEarly          = 10 * time.Second       // no sender sends further ahead of real time than this
	reportedJump      = 750 * time.Millisecond // the smallest jump that goes into the timeline
	playoutBytesTrack = 8 << 20                // bytes of one track that may wait for their time
	playoutBytesAll   = 64 << 20               // bytes of all tracks that may wait, see memoryShares
	freeBytes         = 64 << 10               // bytes of a track that may always wait
)

// A playout puts the units of a track where a listener with a buffer would have heard
// them. A frame that is as late as those before it goes right through. A frame that is
// earlier or later is a stray. The next second shows why it strays:
//
//   - The next frames are back where frames were. The network held up the stray, or its
//     time stamp is wrong. It belongs between its neighbours.
//   - The next frames stray as it does, at their usual pace. The sender paused, or its
//     time stamps jumped. Arrival says where they belong.
//   - The next frames come faster than real time. The network catches up. They belong
//     where they were captured.
//   - There are no next frames. The sender was ahead of its time. The stray is heard when
//     it is due.
//
// Nothing is handed out before its time has come: until then it may turn out to belong
// elsewhere. A playout is not safe for concurrent use.
type playout struct {
	clock *trackClock
	units []timed // in order, from head on
	head  int
	// Units before placed have their time. Those from there to classified are strays, or
	// come behind one.
	placed, classified int
	bytes              int
	begun              bool
	sleeps             int // sleeps of the machine that are known here

	straying bool
	wentBack bool          // the time stamps of the strays went back
	strays   []stray       // of the last second
	lateness time.Duration // of the last frame that was no stray
	tick     time.Duration // tick of that frame
	seen     time.Duration // when that frame came
	onJump   func(jump)    // called for each jump

	shares      *memoryShares // of all tracks
	participant string        // whose track it is
	entered     bool          // it has a share, holding more than freeBytes
}

// A timed unit has the time at which it came, and the time at which it belongs.
type timed struct {
	unit     frame.Unit
	tick     time.Duration
	seen, at time.Duration
}

// A stray says how late a frame was that came at a time.
type stray struct{ seen, late time.Duration }

// A jump says how far a sender's time stamps moved ahead of real time; a negative one,
// how far back. They moved for good, from a frame on that belongs at a time, or for one
// frame.
type jump struct {
	at, by time.Duration
	once   bool
}

// push takes the next unit.
func (p *playout) push(u frame.Unit) {
	n := timed{unit: u, seen: p.clock.recording.at(u.Arrival)}
	if u.Kind == frame.UnitFrame {
		n.tick = p.clock.readTick(uint32(u.Timestamp), n.seen)
	} else {
		n.tick = p.clock.duration(p.clock.unwrap(uint32(u.Timestamp), n.seen))
	}
	p.units = append(p.units, n)
	if p.bytes += len(u.Data); p.bytes > freeBytes && !p.entered {
		p.shares.enter(p.participant)
		p.entered = true
	}
	if p.begun {
		p.classify()
	}
}

// pop returns the next unit whose time has come, and when it belongs: not after now. With
// all, it returns the next one even before its time.
func (p *playout) pop(now time.Duration, all bool) (u frame.Unit, at time.Duration, ok bool) {
	if !p.begun {
		p.begin(now, all)
	}
	if n := p.clock.recording.sleepCount(); n != p.sleeps {
		p.sleeps = n
		p.reclassify()
	}
	if p.straying {
		p.placeStrays(now, all)
	}
	if p.head == p.placed {
		return frame.Unit{}, 0, false
	}
	n := &p.units[p.head]
	if n.at > now && !all && !p.full() {
		return frame.Unit{}, 0, false
	}
	u, at = n.unit, min(n.at, now)
	p.drop()
	return u, at, true
}

// full reports whether more is held than allowed.
func (p *playout) full() bool {
	return len(p.units)-p.head > maxPlayoutUnits || p.entered && p.bytes > max(freeBytes, p.shares.share(p.participant))
}

// leaveShare gives the track's share of memory back, if it has one.
func (p *playout) leaveShare() {
	if p.entered {
		p.shares.leave(p.participant)
		p.entered = false
	}
}

// reclassify classifies again what came after a sleep of the machine and before
// checkSleep saw it.
func (p *playout) reclassify() {
	for i := range p.units[p.placed:] {
		n := &p.units[p.placed+i]
		n.seen = p.clock.recording.at(n.unit.Arrival)
	}
	p.straying, p.classified = false, p.placed
	if p.begun {
		p.classify()
	}
}

// drop forgets the unit at the head.
func (p *playout) drop() {
	if p.bytes -= len(p.units[p.head].unit.Data); p.bytes <= freeBytes {
		p.leaveShare()
	}
	p.units[p.head] = timed{}
	if p.head++; p.head < len(p.units) && p.head < 64 {
		return
	}
	rest := copy(p.units, p.units[p.head:])
	clear(p.units[rest:])
	p.units = p.units[:rest]
	p.placed, p.classified, p.head = p.placed-p.head, p.classified-p.head, 0
}

// begin learns from the first frames how late frames of this track are.
func (p *playout) begin(now time.Duration, all bool) {
	var first, last *timed
	lowest := time.Duration(0)
	for i := range p.units[p.head:] {
		n := &p.units[p.head+i]
		if n.unit.Kind != frame.UnitFrame {
			continue
		}
		if first == nil {
			first, lowest = n, n.seen-n.tick
		}
		last, lowest = n, min(lowest, n.seen-n.tick)
	}
	full := p.full() || len(p.units)-p.head == maxPlayoutUnits
	switch {
	case first == nil && full:
		p.placed, p.classified = p.placed+1, p.classified+1
		p.drop() // no frame among so many: nothing to keep
		return
	case first == nil || !full && !all && now-first.seen < firstHold:
		return
	}
	c := p.clock
	// What waited for the track to be set up comes in a burst before what is sent
	// now. A burst alone was sent ahead of its time.
	ahead := last.seen-first.seen < levelSpan && first.seen-first.tick-lowest > strayLate
	for i := range p.units[p.head:] {
		if n := &p.units[p.head+i]; n.unit.Kind == frame.UnitFrame && (n == first || !ahead) {
			c.byArrival.add(point{n.tick, n.seen - n.tick}, n.seen)
		}
	}
	c.set(first.tick)
	p.begun, p.tick = true, first.tick
	p.classify()
}

// classify finds the strays among the new units, and sets the times of the others.
func (p *playout) classify() {
	c := p.clock
	for ; p.classified < len(p.units); p.classified++ {
		n := &p.units[p.classified]
		if n.unit.Kind != frame.UnitFrame {
			if !p.straying {
				n.at = c.time(n.tick)
				p.placed = p.classified + 1
			}
			continue
		}
		late := c.lateness(n.tick, n.seen)
		switch {
		case p.straying && (late < -backEarly || late > backLate):
			p.noteStray(n.seen, late)
			continue
		case p.straying:
			p.straying = false
			p.placeBetween(p.classified, c.time(n.tick))
		case late < -strayEarly, late > strayLate && late-p.lateness > strayLate, late > strayEarly && n.tick < p.tick:
			p.straying, p.wentBack, p.strays = true, n.tick < p.tick, p.strays[:0]
			p.noteStray(n.seen, late)
			continue
		}
		c.observe(n.tick, n.seen)
		n.at = c.time(n.tick)
		p.placed, p.lateness, p.tick, p.seen = p.classified+1, late, n.tick, n.seen
	}
}

// noteStray remembers a stray. Of several that came at once, it remembers the earliest.
func (p *playout) noteStray(seen, late time.Duration) {
	if n := len(p.strays) - 1; n >= 0 && (seen-p.strays[n].seen).Abs() < atOnce {
		p.strays[n].late = min(p.strays[n].late, late)
		return
	}
	p.strays = append(p.strays, stray{seen, late})
	n := 0
	for len(p.strays)-n > levelFrames && p.strays[n].seen < seen-strayHold {
		n++
	}
	p.strays = slices.Delete(p.strays, 0, n)
}

// placeBetween sets the times of the strays before the unit at index end, which ends the
// straying: by their own time stamps, but between their neighbours.
func (p *playout) placeBetween(end int, limit time.Duration) {
	last := p.clock.time(p.tick)
	for i := end - 1; i >= p.placed; i-- {
		n := &p.units[i]
		own := p.clock.time(n.tick)
		n.at = min(max(last, own), limit-frameTick)
		if n.unit.Kind == frame.UnitFrame && (own-n.at).Abs() >= reportedJump {
			p.onJump(jump{n.at, own - n.at, true})
		}
		if n.at > last {
			limit = n.at
		}
	}
}

// placeStrays sets the times of the strays that have waited for strayHold.
func (p *playout) placeStrays(now time.Duration, all bool) {
	c := p.clock
	for p.straying && p.placed < p.classified {
		n := &p.units[p.placed]
		if !all && !p.full() && now-n.seen < strayHold {
			return
		}
		by, stepped := p.level()
		if n.unit.Kind == frame.UnitFrame && !stepped {
			by = c.lateness(n.tick, n.seen)
			stepped = by < -farEarly || by > strayHold && len(p.strays) < levelFrames
		}
		if !stepped {
			n.at = max(c.time(n.tick), c.time(p.tick))
			p.placed++
			continue
		}
		// A sender whose time stood still while it was silent did not jump.
		if quiet := n.seen - p.seen; by.Abs() >= reportedJump && by > quiet+levelWithin || by <= -reportedJump {
			p.onJump(jump{n.seen, -by, false})
		}
		c.step(n.tick, by)
		p.straying, p.lateness, p.tick, p.classified = false, 0, n.tick, p.placed
		p.classify()
	}
}

// level reports whether the strays are at one offset, and how late they are there.
func (p *playout) level() (late time.Duration, ok bool) {
	if len(p.strays) < levelFrames {
		return 0, false
	}
	first, last := p.strays[0].seen, p.strays[len(p.strays)-1].seen
	if last-first < levelSpan {
		return 0, false
	}
	var halves [2]time.Duration
	var any [2]bool
	for _, s := range p.strays {
		i := 0
		if s.seen > first+(last-first)/2 {
			i = 1
		}
		if !any[i] || s.late < halves[i] {
			any[i], halves[i] = true, s.late
		}
	}
	if !any[0] || !any[1] || (halves[0]-halves[1]).Abs() > levelWithin {
		return 0, false
	}
	late = min(halves[0], halves[1])
	return late, late <= -strayEarly/2 || late >= strayLate || late >= strayEarly && p.wentBack
}
