package recorder

import (
	"sync/atomic"
	"time"
)

const (
	// shortestStandstill is the shortest that is noticed: many times what a busy machine
	// keeps the goroutine waiting that sweeps.
	shortestStandstill = 2 * time.Second
	// backlogTime is how long after a standstill packets are read that came in it. The
	// system holds some hundred for each connection.
	backlogTime = 2 * time.Second
)

// A standstill is the last time in which this process did not run, though the machine did: it
// was stopped, or its virtual machine was. What the system held meanwhile is read
// afterwards, all at once, and when it is read says nothing of when it came. The zero value
// has seen none. It is safe for concurrent use.
type standstill struct {
	turned atomic.Pointer[time.Time] // when the goroutine that sweeps ran last
	last   atomic.Pointer[[2]time.Time]
}

// turn notes that the process runs, and returns for how long it did not. One goroutine calls
// it, several times a second.
func (s *standstill) turn(now time.Time) (stood time.Duration, ok bool) {
	was := s.turned.Swap(&now)
	if was == nil || now.Sub(*was) < shortestStandstill {
		return 0, false
	}
	s.last.Store(&[2]time.Time{*was, now})
	return now.Sub(*was), true
}

// behind returns since when what was read at a time may have waited, if it may.
func (s *standstill) behind(read time.Time) (since time.Time, ok bool) {
	if turned := s.turned.Load(); turned != nil && read.Sub(*turned) >= shortestStandstill {
		return *turned, true // a packet was read before the sweeper ran
	}
	if last := s.last.Load(); last != nil && read.Sub(last[1]) < backlogTime {
		return last[0], true
	}
	return time.Time{}, false
}

// arrived returns when a packet came. Of one that may have waited, its time stamp says so, if
// it goes on from that of the packet before.
func (t *trackRecorder) arrived(p Packet) time.Time {
	s, at := &t.source, p.Arrival
	if since, ok := t.run.standstill.behind(at); ok && !s.arrival.IsZero() && t.info.ClockRate > 0 {
		passed := time.Duration(int32(p.RTP.Timestamp-s.stamp)) * time.Second / time.Duration(t.info.ClockRate)
		if came := s.arrival.Add(passed); came.Before(at) && came.After(since.Add(-time.Second)) {
			at = came
		}
	}
	s.stamp, s.arrival = p.RTP.Timestamp, at
	return at
}
