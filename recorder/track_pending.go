package recorder

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
)

const (
	// keyWait is how long a frame waits for its key, or for another one if the one at
	// its index does not open it.
	keyWait = 10 * time.Second
	// passedWait is how long it waits after a later frame of its track has opened: the
	// sender has gone on, or the frame was never theirs.
	passedWait = 2 * time.Second
	// freshPicture is how often a key frame is asked for while pictures wait, so
	// that not all depends on the first of them.
	freshPicture = 2 * time.Second
	// maxPendingUnits and pendingBytesTrack bound what waits on one track: more than ten
	// seconds of a good picture. All tracks share pendingBytesAll, see memoryShares.
	maxPendingUnits   = 4096
	pendingBytesTrack = 8 << 20
	pendingBytesAll   = 128 << 20
)

// A pendingUnit is a unit with what became of opening it.
type pendingUnit struct {
	unit    frame.Unit
	at      time.Duration
	data    []byte
	outcome Outcome // "" for what is no frame
	final   bool    // no key will open it
}

func (l *pendingUnit) waits() bool {
	return !l.final && (l.outcome == NoKey || l.outcome == Auth)
}

func (l *pendingUnit) size() int { return max(len(l.data), len(l.unit.Data)) }

// deadline is until when the n-th unit waits.
func (d *decryption) deadline(n int) time.Time {
	end := d.pending[n].unit.Arrival.Add(keyWait)
	for i := n + 1; i < len(d.pending); i++ {
		if d.pending[i].outcome == Kept {
			if passed := d.pending[i].unit.Arrival.Add(passedWait); passed.Before(end) {
				return passed
			}
			break
		}
	}
	return end
}

// offer delivers a unit that belongs at a time, or lets it wait: for its key, or for the
// units before it.
func (d *decryption) offer(u frame.Unit, at time.Duration) {
	l := pendingUnit{unit: u, at: at}
	if u.Kind == frame.UnitFrame {
		l.data, l.outcome = d.open(u)
		switch l.outcome {
		case NoKey, Auth, Plaintext:
			d.opening.failed(u.Arrival, string(l.outcome), d.sealed(u))
		default:
			d.opened(u)
		}
	}
	if len(d.pending) == 0 && (!l.waits() || d.ring == nil) {
		d.deliver(u, at, l.data, l.outcome)
		return
	}
	if l.outcome == Kept {
		d.retry() // it may have moved the ratchet
		d.failUndecryptable(u, len(d.pending))
		l.unit.Data = nil
		if !u.Key && d.lacksKeyFrame() {
			d.keyFrames.askAgain()
		}
	}
	if len(d.pending) == 0 {
		d.shares.enter(d.info.Participant)
	}
	d.pending = append(d.pending, l)
	d.pendingBytes += l.size()
}

// lacksKeyFrame reports whether what has opened behind frames that did not has no key
// frame.
func (d *decryption) lacksKeyFrame() bool {
	if len(d.pending) == 0 || !d.pending[0].waits() {
		return false
	}
	return !slices.ContainsFunc(d.pending, func(l pendingUnit) bool { return l.outcome == Kept && l.unit.Key })
}

// opened notes that a frame opened.
func (d *decryption) opened(u frame.Unit) {
	d.opening.opened()
	d.counts.opened.Store(int64(max(1, d.clock.at(u.Arrival))))
}

// failUndecryptable ends the wait of frames before the i-th, u, which has opened, if they
// have its key index: their key is there, so they are broken.
func (d *decryption) failUndecryptable(u frame.Unit, i int) {
	index, _ := frame.KeyIndex(d.sealed(u))
	for i := range d.pending[:i] {
		l := &d.pending[i]
		if l.waits() && l.outcome == Auth {
			if its, ok := frame.KeyIndex(d.sealed(l.unit)); ok && its == index {
				l.final = true
			}
		}
	}
}

// retry tries to open what waits, if the keys have changed.
func (d *decryption) retry() {
	if len(d.pending) == 0 {
		return
	}
	v := d.ring.Version()
	if v == d.triedVersion {
		return
	}
	d.triedVersion = v
	for i := range d.pending {
		l := &d.pending[i]
		if !l.waits() {
			continue
		}
		d.pendingBytes -= l.size()
		if l.data, l.outcome = d.open(l.unit); l.outcome == Kept {
			d.opened(l.unit)
			d.failUndecryptable(l.unit, i)
			l.unit.Data = nil
		}
		d.pendingBytes += l.size()
	}
}

// release delivers what need not wait any more: what has opened, what has waited for too
// long, and, if too much waits, the oldest.
func (d *decryption) release(now time.Time) {
	if d.ring == nil {
		return
	}
	if d.inbox.take(newReaders) {
		// These frames were not for who reads from now on.
		for i := range d.pending {
			if l := &d.pending[i]; l.outcome != "" {
				l.data, l.outcome, l.final = nil, NoKey, true
			}
		}
	}
	d.retry()
	if len(d.pending) == 0 {
		return
	}
	most := d.shares.share(d.info.Participant)
	n := 0
	for ; n < len(d.pending); n++ {
		l := &d.pending[n]
		if l.waits() && now.Before(d.deadline(n)) && d.pendingBytes <= most && len(d.pending)-n <= maxPendingUnits {
			if now.Sub(l.unit.Arrival) >= freshPicture && now.Sub(d.keyFrames.lastRequest) >= freshPicture {
				d.keyFrames.ask()
			}
			break
		}
		d.pendingBytes -= l.size()
		d.deliver(l.unit, l.at, l.data, l.outcome)
	}
	if n > 0 {
		rest := copy(d.pending, d.pending[n:])
		clear(d.pending[rest:])
		d.pending = d.pending[:rest]
	}
	if len(d.pending) == 0 {
		d.pending, d.pendingBytes = nil, 0
		d.shares.leave(d.info.Participant)
	}
}

// flush delivers all that waits as it is, at the track's end.
func (d *decryption) flush() {
	if d.ring == nil {
		return
	}
	d.retry()
	for i := range d.pending {
		d.pending[i].final = true
	}
	d.release(time.Time{})
}

// leaveShare gives the share of memory back, if something waits.
func (d *decryption) leaveShare() {
	if len(d.pending) > 0 {
		d.shares.leave(d.info.Participant)
	}
}
