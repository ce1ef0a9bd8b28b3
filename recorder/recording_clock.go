package recorder

import (
	"sync/atomic"
	"time"
)

// shortestSleep is the shortest sleep of the machine that is noticed.
const shortestSleep = 500 * time.Millisecond

// A recordingClock counts the time since the recording began. It also counts the time in
// which the machine sleeps and Go's monotonic clock stands still. It stops when the
// recording ends. It is safe for concurrent use.
type recordingClock struct {
	start  time.Time
	asleep func() time.Duration // how long the machine has slept since its start
	sleeps atomic.Pointer[[]machineSleep]
	end    atomic.Int64 // the time at which it stopped; 0 while it runs

	// Owned by the goroutine that calls checkSleep.
	slept  time.Duration // what asleep returned last
	looked time.Duration // when asleep was last called, on the monotonic clock
}

// A machineSleep has the length of a sleep and its time on the monotonic clock, since the
// start.
type machineSleep struct{ at, lasted time.Duration }

// startClock starts a recordingClock. A nil asleep means that of the machine.
func startClock(asleep func() time.Duration) *recordingClock {
	if asleep == nil {
		asleep = machineSlept()
	}
	return &recordingClock{start: time.Now(), asleep: asleep, slept: asleep()}
}

// at returns the recording time of a moment. Before the start it is negative.
func (w *recordingClock) at(t time.Time) time.Duration {
	return w.within(w.running(t))
}

func (w *recordingClock) running(t time.Time) time.Duration {
	d := t.Sub(w.start)
	if sleeps := w.sleeps.Load(); sleeps != nil {
		var slept time.Duration
		for _, s := range *sleeps {
			if d >= s.at {
				slept += s.lasted
			}
		}
		d += slept
	}
	return d
}

// now returns the recording time. It is never negative.
func (w *recordingClock) now() time.Duration { return max(0, w.at(time.Now())) }

// elapsed returns the time since the start, also after the recording has ended.
func (w *recordingClock) elapsed() time.Duration { return w.running(time.Now()) }

// within returns a time since the start, or the end of the recording if that is earlier.
// Nothing in a recording is later than its end.
func (w *recordingClock) within(d time.Duration) time.Duration {
	if end := time.Duration(w.end.Load()); end > 0 {
		return min(d, end)
	}
	return d
}

// sleepCount returns how often the machine has slept.
func (w *recordingClock) sleepCount() int {
	if p := w.sleeps.Load(); p != nil {
		return len(*p)
	}
	return 0
}

// checkSleep returns the span in which the machine slept since the last call, if it did.
// One goroutine calls it, several times a second.
func (w *recordingClock) checkSleep() (slept span, ok bool) {
	now, all := time.Since(w.start), w.asleep()
	before := w.looked
	lasted := all - w.slept
	if w.looked, w.slept = now, all; lasted < shortestSleep {
		return span{}, false
	}
	from := w.at(w.start.Add(before))
	var sleeps []machineSleep
	if p := w.sleeps.Load(); p != nil {
		sleeps = append(sleeps, *p...)
	}
	sleeps = append(sleeps, machineSleep{before, lasted})
	w.sleeps.Store(&sleeps)
	return span{from, w.at(w.start.Add(now))}, true
}

// stop stops the clock, and returns the time of the recording's end.
func (w *recordingClock) stop() time.Duration {
	end := max(1, w.now())
	w.end.Store(int64(end))
	return end
}
