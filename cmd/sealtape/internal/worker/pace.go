package worker

import "time"

// Of what is logged about offers that are not taken: whoever can dispatch makes as many as
// they like, and is not to fill a disk.
const (
	paceBurst = 32          // lines at once
	paceEvery = time.Second // and then one
)

// A pace says how often something is said. The zero value has said nothing yet. It is for
// one goroutine.
type pace struct {
	said   int       // of the burst
	since  time.Time // when said was last made less
	unsaid int
}

// say reports whether something is to be said now, and how often it was not since the last
// time.
func (p *pace) say(now time.Time) (unsaid int, ok bool) {
	if n := int(now.Sub(p.since) / paceEvery); n > 0 {
		p.said, p.since = max(0, p.said-min(n, paceBurst)), now
	}
	if p.said >= paceBurst {
		p.unsaid++
		return 0, false
	}
	p.said++
	unsaid, p.unsaid = p.unsaid, 0
	return unsaid, true
}
