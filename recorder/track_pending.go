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
	// seconds of a good picture. All tracks share pendingBytesAll, see memoryShares.
	maxPendingUnits   = 4096
	pendingBytesTrack = 8 << 20
	pendingBytesAll   = 128 << 20
)

// pendingKeys are the units of a track that wait for keys, in order. Members' clients
// rotate keys when someone comes or goes, and a key may take longer than the
// first frames under it. What comes behind a frame that waits is opened but
// waits too, so that a track stays in order.
type pendingKeys struct {
	units        []pendingUnit
	bytes        int
	triedVersion uint64 // of the ring, when they were last tried
}

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
func (w *pendingKeys) deadline(n int) time.Time {
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
	l := pendingUnit{unit: u, at: at}
	if u.Kind == frame.UnitFrame {
		l.data, l.outcome = t.open(u)
		switch l.outcome {
		case NoKey, Auth, Plaintext:
			t.opening.failed(u.Arrival, string(l.outcome), t.sealed(u))
		default:
			t.opened(u)
		}
	}
	if len(t.pending.units) == 0 && (!l.waits() || t.ring == nil) {
		t.take(u, at, l.data, l.outcome)
		return
	}
	if l.outcome == Kept {
		t.retryPending() // it may have moved the ratchet
		t.failUndecryptable(u, len(t.pending.units))
		l.unit.Data = nil
	}
	if len(t.pending.units) == 0 {
		t.run.pendingShares.enter(t.info.Participant)
	}
	t.pending.units = append(t.pending.units, l)
	t.pending.bytes += l.size()
}

// opened notes that a frame opened.
func (t *trackRecorder) opened(u frame.Unit) {
	t.opening.opened()
	t.run.board.counts.opened.Store(int64(max(1, t.run.clock.at(u.Arrival))))
}

// failUndecryptable gives up the frames before the i-th that are of the same key index as
// that one, u, which has opened: their key is there, so it is they that are
// broken.
func (t *trackRecorder) failUndecryptable(u frame.Unit, i int) {
	index, _ := frame.KeyIndex(t.sealed(u))
	for i := range t.pending.units[:i] {
		l := &t.pending.units[i]
		if l.waits() && l.outcome == Auth {
			if its, ok := frame.KeyIndex(t.sealed(l.unit)); ok && its == index {
				l.final = true
			}
		}
	}
}

// retryPending opens what waits if the keys have changed.
func (t *trackRecorder) retryPending() {
	if len(t.pending.units) == 0 {
		return
	}
	v := t.ring.Version()
	if v == t.pending.triedVersion {
		return
	}
	t.pending.triedVersion = v
	for i := range t.pending.units {
		l := &t.pending.units[i]
		if !l.waits() {
			continue
		}
		t.pending.bytes -= l.size()
		if l.data, l.outcome = t.open(l.unit); l.outcome == Kept {
			t.opened(l.unit)
			t.failUndecryptable(l.unit, i)
			l.unit.Data = nil
		}
		t.pending.bytes += l.size()
	}
}

// releasePending takes what waits no more: what has opened, what has waited for too
// long, and the oldest of what is too much.
func (t *trackRecorder) releasePending(now time.Time) {
	if t.ring == nil {
		return
	}
	if t.inbox.take(newReaders) {
		// These frames were not for who reads from now on.
		for i := range t.pending.units {
			if l := &t.pending.units[i]; l.outcome != "" {
				l.data, l.outcome, l.final = nil, NoKey, true
			}
		}
	}
	t.retryPending()
	if len(t.pending.units) == 0 {
		return
	}
	most := t.run.pendingShares.share(t.info.Participant)
	n := 0
	for ; n < len(t.pending.units); n++ {
		l := &t.pending.units[n]
		if l.waits() && now.Before(t.pending.deadline(n)) && t.pending.bytes <= most && len(t.pending.units)-n <= maxPendingUnits {
			if !t.info.Codec.Audio() && now.Sub(l.unit.Arrival) >= freshPicture && now.Sub(t.lastPLI) >= freshPicture {
				t.askKey()
			}
			break
		}
		t.pending.bytes -= l.size()
		t.take(l.unit, l.at, l.data, l.outcome)
	}
	if n > 0 {
		rest := copy(t.pending.units, t.pending.units[n:])
		clear(t.pending.units[rest:])
		t.pending.units = t.pending.units[:rest]
	}
	if len(t.pending.units) == 0 {
		t.pending = pendingKeys{triedVersion: t.pending.triedVersion}
		t.run.pendingShares.leave(t.info.Participant)
	}
}

// flushPending takes all that waits as it is, at the track's end.
func (t *trackRecorder) flushPending() {
	if t.ring == nil {
		return
	}
	t.retryPending()
	for i := range t.pending.units {
		t.pending.units[i].final = true
	}
	t.releasePending(time.Time{})
}
