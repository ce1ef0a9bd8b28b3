package recorder

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	minimumSpan  = 15 * time.Second // of each of its values
	minimumDrift = 2000             // it rises by at most one in so many: 500 ppm
	voteTime     = 10 * time.Second // how long the last report of a track has a vote: three of LiveKit's
	staleTime    = time.Minute      // how long its fastest reports count
	freshRise    = 2 * time.Second  // how long it counts how much later a track's frames came
)

// A recentMinimum is the smallest of the values observed in the last two minutes. Of
// delays it is the one to which the network added the least. As crystals drift apart, it
// rises now and then, by no more than they drift.
type recentMinimum struct {
	least  [8]time.Duration // by time modulo their number
	filled [8]bool
	newest int64
	known  bool
	last   time.Duration // when it was last observed
	value  time.Duration
}

// add observes d at the given time on the recording clock.
func (f *recentMinimum) add(at, d time.Duration) {
	n := int64(at / minimumSpan)
	if !f.known {
		*f = recentMinimum{known: true, newest: n, last: at, value: d}
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
	f.value = min(low, f.value+max(0, min(at-f.last, time.Second))/minimumDrift)
	f.last = max(f.last, at)
}

// roomClocks are the wall clocks of a room, one for each TrackInfo.Server. It is safe for
// concurrent use. The zero value has none yet.
//
// Each places what its server sends where the fastest of it came. So two servers agree as
// well as their fastest ways to the recorder are equally fast: what comes by the slower one
// is later by the difference, as somebody in the recorder's place would hear it.
type roomClocks struct {
	mu       sync.Mutex
	byServer map[string]*roomClock
}

// maxServers is how many servers of a room have a clock of their own. Later ones share one.
const maxServers = 64

// of returns the clock of a server.
func (w *roomClocks) of(server string) *roomClock {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byServer == nil {
		w.byServer = make(map[string]*roomClock)
	}
	if w.byServer[server] == nil && len(w.byServer) >= maxServers {
		server = ""
	}
	c := w.byServer[server]
	if c == nil {
		c = new(roomClock)
		w.byServer[server] = c
	}
	return c
}

// A roomClock is the offset between a server's wall clock and the recorder's. It learns it
// from the reports of all its tracks; no single track can mislead it. It is safe for
// concurrent use.
type roomClock struct {
	value atomic.Int64 // ours minus theirs, in nanoseconds

	mu      sync.Mutex
	known   bool
	stepped time.Duration // by how much theirs was set since the first report
	tracks  map[*trackClock]*trackReports
}

// trackReports are what the last reports of one track say.
type trackReports struct {
	delay   recentMinimum // from when reports were made, by their clock, to when they came
	offBy   time.Duration // by how much the last one contradicts the track's frames
	votedAt time.Duration // when it came
	hasVote bool
	rise    time.Duration // see arrivalLine.rise
	risenAt time.Duration // when that was
}

// offset is ours minus theirs, with the delay of the fastest reports.
func (w *roomClock) offset() time.Duration { return time.Duration(w.value.Load()) }

// withoutSteps returns what the room's wall clock would have said if it had never been
// set, and whether its offset is known by now.
func (w *roomClock) withoutSteps(ntp time.Duration) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ntp - w.stepped, w.known
}

func (w *roomClock) reportsOf(c *trackClock) *trackReports {
	x := w.tracks[c]
	if x == nil {
		x = new(trackReports)
		if w.tracks == nil {
			w.tracks = make(map[*trackClock]*trackReports)
		}
		w.tracks[c] = x
	}
	return x
}

// vote notes by how much a track's report contradicts its frames. If most tracks are off
// by the same, the room's clock was set, and vote returns by how much.
func (w *roomClock) vote(c *trackClock, off, at time.Duration) (step time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.reportsOf(c)
	x.offBy, x.votedAt, x.hasVote = off, at, true
	if off.Abs() <= nearReport {
		return 0
	}
	agree, all := 0, 0
	for _, x := range w.tracks {
		if x.hasVote && at-x.votedAt <= voteTime {
			all++
			if (x.offBy - off).Abs() <= nearReport {
				agree++
			}
		}
	}
	if agree < 2 || 2*agree <= all {
		return 0
	}
	w.stepped += off
	for _, x := range w.tracks {
		x.offBy -= off
	}
	return off
}

// observe notes how much later than the room's clock says, without steps, something of a
// track came. The offset is that of the fastest tracks; a third of all may be wrong.
func (w *roomClock) observe(c *trackClock, delay, at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reportsOf(c).delay.add(at, delay)
	delays := make([]time.Duration, 0, len(w.tracks))
	for _, x := range w.tracks {
		if x.delay.known && at-x.delay.last <= staleTime {
			delays = append(delays, x.delay.value)
		}
	}
	slices.Sort(delays)
	w.value.Store(int64(delays[len(delays)/3]))
	w.known = true
}

// observeRise notes by how much the delay of a track's frames rose in the last seconds. It
// reports whether it rose for this track alone: if it did for others, that is the network.
func (w *roomClock) observeRise(c *trackClock, rise, at time.Duration) (alone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var others []time.Duration
	for other, x := range w.tracks {
		if other != c && at-x.risenAt <= freshRise {
			others = append(others, x.rise)
		}
	}
	x := w.reportsOf(c)
	x.rise, x.risenAt = rise, at
	slices.Sort(others)
	return len(others) == 0 || others[len(others)/2] < rise/4
}

// forget forgets a track that is over.
func (w *roomClock) forget(c *trackClock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tracks, c)
}
