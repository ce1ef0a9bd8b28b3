package clock

import "time"

// A Spread collects how far from their instants frames were put, and tells how
// far apart two tracks came.
type Spread struct {
	windows []window // of a second of captured time
}

type window struct {
	low, high time.Duration
	any       bool
}

// Add notes that a frame captured at the first time was put at the second.
func (s *Spread) Add(captured, put time.Duration) {
	n := int(captured / time.Second)
	for len(s.windows) <= n {
		s.windows = append(s.windows, window{})
	}
	w, off := &s.windows[n], put-captured
	if !w.any {
		*w = window{off, off, true}
	}
	w.low, w.high = min(w.low, off), max(w.high, off)
}

// Apart returns how far apart two frames of one second came, at worst and in the
// mean, from the given time on.
func (s *Spread) Apart(from time.Duration) (worst, mean time.Duration) {
	n := 0
	for i, w := range s.windows {
		if time.Duration(i)*time.Second >= from && w.any {
			worst = max(worst, w.high-w.low)
			mean += w.high - w.low
			n++
		}
	}
	return worst, mean / time.Duration(max(1, n))
}
