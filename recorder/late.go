package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
)

const (
	// keyWait is how long a frame waits for its key, or for another one where
	// the one at its index does not open it.
	keyWait = 10 * time.Second
	// passedWait is how long it waits from the next frame of its track on that
	// opens: the sender has gone on, or the frame was never theirs.
	passedWait = 2 * time.Second
	// freshPicture is how often a key frame is asked for while pictures wait, so
	// that not all depends on the first of them.
	freshPicture = 2 * time.Second
	// maxWaiting and maxWaitingBytes bound what waits on one track: more than ten
	// seconds of a good picture. All tracks share maxLateBytes, see shares.
	maxWaiting      = 4096
	maxWaitingBytes = 8 << 20
	maxLateBytes    = 128 << 20
)

// late are the units of a track that wait for keys, in order. Members' clients
// rotate keys when someone comes or goes, and a key may take longer than the
// first frames under it. What comes behind a frame that waits is opened but
// waits too, so that a track stays in order.
type late struct {
	units   []lateUnit
	bytes   int
	version uint64 // of the ring, when they were last tried
}

// A lateUnit is a unit with what became of opening it.
type lateUnit struct {
	unit    frame.Unit
	at      time.Duration
	data    []byte
	outcome Outcome // "" for what is no frame
	final   bool    // no key will open it
}

func (l *lateUnit) waits() bool {
	return !l.final && (l.outcome == NoKey || l.outcome == Auth)
}

func (l *lateUnit) size() int { return max(len(l.data), len(l.unit.Data)) }

// deadline is until when the n-th unit waits.
func (w *late) deadline(n int) time.Time {
	end := w.units[n].unit.Arrival.Add(keyWait)
	for i := n + 1; i < len(w.units); i++ {
		if w.units[i].outcome == Kept {
			if passed := w.units[i].unit.Arrival.Add(passedWait); passed.Before(end) {
				return passed
			}
			break
		}
	}
	return end
}

// offer takes a unit that belongs at a time, or lets it wait for its key.
func (t *trackRecorder) offer(u frame.Unit, at time.Duration) {
	l := lateUnit{unit: u, at: at}
	if u.Kind == frame.UnitFrame {
		l.data, l.outcome = t.open(u)
		switch l.outcome {
		case NoKey, Auth, Plaintext:
			t.opening.failed(u.Arrival, string(l.outcome), t.sealed(u))
		default:
			t.opened(u)
		}
	}
	if len(t.late.units) == 0 && (!l.waits() || t.ring == nil) {
		t.take(u, at, l.data, l.outcome)
		return
	}
	if l.outcome == Kept {
		t.retryLate() // it may have moved the ratchet
		t.judge(u, len(t.late.units))
		l.unit.Data = nil
	}
	if len(t.late.units) == 0 {
		t.shares.enter(t.info.Participant)
	}
	t.late.units = append(t.late.units, l)
	t.late.bytes += l.size()
}

// opened notes that a frame opened.
func (t *trackRecorder) opened(u frame.Unit) {
	t.opening.opened()
	t.counts.opened.Store(int64(max(1, t.watch.at(u.Arrival))))
}

// judge gives up the frames before the i-th that are of the same key index as
// that one, u, which has opened: their key is there, so it is they that are
// broken.
func (t *trackRecorder) judge(u frame.Unit, i int) {
	index, _ := frame.KeyIndex(t.sealed(u))
	for i := range t.late.units[:i] {
		l := &t.late.units[i]
		if l.waits() && l.outcome == Auth {
			if its, ok := frame.KeyIndex(t.sealed(l.unit)); ok && its == index {
				l.final = true
			}
		}
	}
}

// retryLate opens what waits if the keys have changed.
func (t *trackRecorder) retryLate() {
	if len(t.late.units) == 0 {
		return
	}
	v := t.ring.Version()
	if v == t.late.version {
		return
	}
	t.late.version = v
	for i := range t.late.units {
		l := &t.late.units[i]
		if !l.waits() {
			continue
		}
		t.late.bytes -= l.size()
		if l.data, l.outcome = t.open(l.unit); l.outcome == Kept {
			t.opened(l.unit)
			t.judge(l.unit, i)
			l.unit.Data = nil
		}
		t.late.bytes += l.size()
	}
}

// release takes what waits no more: what has opened, what has waited for too
// long, and the oldest of what is too much.
func (t *trackRecorder) release(now time.Time) {
	if t.ring == nil {
		return
	}
	if t.newReaders.Swap(false) {
		// These frames were not for who reads from now on.
		for i := range t.late.units {
			if l := &t.late.units[i]; l.outcome != "" {
				l.data, l.outcome, l.final = nil, NoKey, true
			}
		}
	}
	t.retryLate()
	if len(t.late.units) == 0 {
		return
	}
	most := t.shares.share(t.info.Participant)
	n := 0
	for ; n < len(t.late.units); n++ {
		l := &t.late.units[n]
		if l.waits() && now.Before(t.late.deadline(n)) && t.late.bytes <= most && len(t.late.units)-n <= maxWaiting {
			if !t.info.Codec.Audio() && now.Sub(l.unit.Arrival) >= freshPicture && now.Sub(t.lastPLI) >= freshPicture {
				t.askKey()
			}
			break
		}
		t.late.bytes -= l.size()
		t.take(l.unit, l.at, l.data, l.outcome)
	}
	if n > 0 {
		rest := copy(t.late.units, t.late.units[n:])
		clear(t.late.units[rest:])
		t.late.units = t.late.units[:rest]
	}
	if len(t.late.units) == 0 {
		t.late = late{version: t.late.version}
		t.shares.leave(t.info.Participant)
	}
}

// giveUp takes all that waits as it is, at the track's end.
func (t *trackRecorder) giveUp() {
	if t.ring == nil {
		return
	}
	t.retryLate()
	for i := range t.late.units {
		t.late.units[i].final = true
	}
	t.release(time.Time{})
}
