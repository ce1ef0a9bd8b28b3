package livekit

import (
	linked "container/list"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// eventQueue is how many events may wait to be accepted. Beyond it the caller
	// waits, and with it the server's messages.
	eventQueue = 1024
	// comingQueue is the same limit for joins and leaves. A server may report
	// large numbers of them before anybody can accept one.
	comingQueue = 1 << 16
)

// Events other than joining, leaving and publishing may be missed, and nobody
// waits for them. Each member has a share of the queue. If all shares together
// are too large, the member with the largest one loses the newest event.
const (
	memberWaits     = 64
	memberWaitBytes = 4 << 20
	roomWaits       = 1024
	roomWaitBytes   = 32 << 20
	maxMissed       = 64 // members' types of it that are counted apart
)

// A queue holds a room's events for Accept, in order, followed by counts of what
// was missed. It is safe for concurrent use. The zero value is empty.
type queue struct {
	mu     sync.Mutex
	events linked.List      // of *waiting
	must   int              // of them that must not be missed
	shares map[string]*said // by member
	all    size             // of all shares
	missed map[missed]int
	more   chan struct{} // closed when there are events; nil: nobody waits
	less   chan struct{} // closed when one is taken
}

// A waiting event is one in the queue.
type waiting struct {
	recorder.RoomEvent
	by     *said // whose share it is in; nil: must not be missed
	answer bool
}

// A missed identifies the missed events of one type and member. An identity of ""
// means several members.
type missed struct {
	participant string
	typ         media.EventType
}

type size struct{ events, bytes int }

// A said is what one member said and did, and what of it waits.
type said struct {
	size
	in     []*linked.Element // in order; without the answer
	answer *linked.Element
}

// put adds an event that must not be missed, once fewer than limit such events
// wait. It reports false if closed is closed first. A limit of 0 means no limit.
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

// offer adds an event that may be missed, if its member's share has room. If all
// shares together are too large, this or another event is missed.
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

// answer adds an event that must not be missed if it is its member's last one. It
// replaces a waiting answer of the same member.
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

// take returns the next event. If there is none, it returns a channel that is
// closed when there is one.
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

// The following methods are called with q.mu held.

// share returns the share of a member.
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

// remove removes an event: the first or the last of its share, or the answer.
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

// resize changes the size of a share.
func (q *queue) resize(by *said, events, bytes int) {
	for _, s := range []*size{&by.size, &q.all} {
		s.events += events
		s.bytes += bytes
	}
}

// thin drops the newest event of the share with the highest count.
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

// wake wakes those who wait for an event.
func (q *queue) wake() {
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
}
