package livekit

import (
	linked "container/list"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// eventQueue is how many events wait to be accepted; then whoever has more
	// waits, and with them the server's messages.
	eventQueue = 1024
	// comingQueue is the same for those who come and go, of whom a server tells in
	// large numbers before anybody can accept.
	comingQueue = 1 << 16
)

// What members do besides coming, going and publishing may be missed, and does not
// make anybody wait. Each has a share of what waits; where all is too much, whoever
// has most of it misses their newest.
const (
	memberWaits     = 64
	memberWaitBytes = 4 << 20
	roomWaits       = 1024
	roomWaitBytes   = 32 << 20
	maxMissed       = 64 // members' types of it that are counted apart
)

// A queue holds a room's events for Accept, in order, and then what was missed, as
// counts. It is safe for concurrent use; the zero value is empty.
type queue struct {
	mu     sync.Mutex
	events linked.List      // of *waiting
	must   int              // of them that must not be missed
	shares map[string]*said // by member
	all    size             // of all shares
	missed map[missed]int
	more   chan struct{} // closed when there are some; nil: nobody waits for that
	less   chan struct{} // closed when one is taken
}

// A waiting event is one in the queue.
type waiting struct {
	recorder.RoomEvent
	by     *said // whose share it is in; nil for one that must not be missed
	answer bool
}

// A missed says whose events of a type were missed, "" for several members'.
type missed struct {
	participant string
	typ         media.EventType
}

type size struct{ events, bytes int }

// said is what one member said and did that waits.
type said struct {
	size
	in     []*linked.Element // in order; without the answer
	answer *linked.Element
}

// put adds an event that must not be missed, when fewer such than limit wait, and
// reports whether it did: not where closed is closed first. limit 0 is none.
func (q *queue) put(e recorder.RoomEvent, limit int, closed <-chan struct{}) bool {
	for {
		q.mu.Lock()
		if limit == 0 || q.must < limit {
			q.push(&waiting{RoomEvent: e})
			q.mu.Unlock()
			return true
		}
		if q.less == nil {
			q.less = make(chan struct{})
		}
		less := q.less
		q.mu.Unlock()
		select {
		case <-less:
		case <-closed:
			return false
		}
	}
}

// offer adds an event that may be missed, if its member's share has room for it.
// Where it is too much for all shares together, it or another is missed.
func (q *queue) offer(e recorder.RoomEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	by := q.share(e.Participant)
	if by.events >= memberWaits || by.bytes+len(e.Text) > memberWaitBytes {
		q.count(e)
		return
	}
	by.in = append(by.in, q.push(&waiting{RoomEvent: e, by: by}))
	q.resize(by, 1, len(e.Text))
	if q.all.events > roomWaits {
		q.thin(func(s size) int { return s.events })
	}
	for q.all.bytes > roomWaitBytes {
		q.thin(func(s size) int { return s.bytes })
	}
}

// answer adds an event that must not be missed, if it is its member's last: it
// takes the place of another answer of theirs that waits.
func (q *queue) answer(e recorder.RoomEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if by := q.share(e.Participant); by.answer != nil {
		q.count(q.remove(by.answer))
	}
	by := q.share(e.Participant)
	by.answer = q.push(&waiting{RoomEvent: e, by: by, answer: true})
}

// miss counts an event that was missed before it could be queued.
func (q *queue) miss(participant string, typ media.EventType) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(recorder.RoomEvent{Participant: participant, Type: typ})
}

// take returns the next event, or else what is closed when there is one.
func (q *queue) take() (e recorder.RoomEvent, ok bool, more <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if first := q.events.Front(); first != nil {
		return q.remove(first), true, nil
	}
	for of, n := range q.missed {
		delete(q.missed, of)
		return recorder.RoomEvent{At: time.Now(), Type: media.EventDropped, Participant: of.participant, Reason: string(of.typ), Count: n}, true, nil
	}
	if q.more == nil {
		q.more = make(chan struct{})
	}
	return e, false, q.more
}

// length is how many events wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events.Len()
}

// What follows is called with q.mu held.

// share returns what a member said that waits.
func (q *queue) share(member string) *said {
	by := q.shares[member]
	if by == nil {
		if q.shares == nil {
			q.shares = make(map[string]*said)
		}
		by = new(said)
		q.shares[member] = by
	}
	return by
}

func (q *queue) push(w *waiting) *linked.Element {
	if w.At.IsZero() {
		w.At = time.Now()
	}
	if w.by == nil {
		q.must++
	}
	q.wake()
	return q.events.PushBack(w)
}

// remove takes an event out: the first or the last of its share, or the answer.
func (q *queue) remove(at *linked.Element) recorder.RoomEvent {
	w := q.events.Remove(at).(*waiting)
	if q.less != nil {
		close(q.less)
		q.less = nil
	}
	switch by := w.by; {
	case by == nil:
		q.must--
	case w.answer:
		by.answer = nil
	case by.in[0] == at:
		by.in = by.in[1:]
		q.resize(by, -1, -len(w.Text))
	default:
		by.in = by.in[:len(by.in)-1]
		q.resize(by, -1, -len(w.Text))
	}
	if by := w.by; by != nil && len(by.in) == 0 && by.answer == nil {
		delete(q.shares, w.Participant)
	}
	return w.RoomEvent
}

// resize notes that a share grows, or shrinks.
func (q *queue) resize(by *said, events, bytes int) {
	for _, s := range []*size{&by.size, &q.all} {
		s.events += events
		s.bytes += bytes
	}
}

// thin drops the newest event of the share that has most of what is counted.
func (q *queue) thin(count func(size) int) {
	var most *said
	for _, by := range q.shares {
		if len(by.in) > 0 && (most == nil || count(by.size) > count(most.size)) {
			most = by
		}
	}
	q.count(q.remove(most.in[len(most.in)-1]))
}

// count counts an event that is missed.
func (q *queue) count(e recorder.RoomEvent) {
	of := missed{e.Participant, e.Type}
	if _, known := q.missed[of]; !known && len(q.missed) >= maxMissed {
		of.participant = ""
		if _, known := q.missed[of]; !known && len(q.missed) >= 2*maxMissed {
			return
		}
	}
	if q.missed == nil {
		q.missed = make(map[missed]int)
	}
	q.missed[of]++
	q.wake()
}

// wake tells whoever waits that there is something to take.
func (q *queue) wake() {
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
}
