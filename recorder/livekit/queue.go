package livekit

import (
	"cmp"
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
	mu       sync.Mutex
	events   linked.List             // of *waiting
	required int                     // how many of them must not be missed
	shares   map[string]*memberShare // by member
	all      size                    // of all shares
	missed   map[missed]int
	more     chan struct{} // closed when there are events; nil: nobody waits
	less     chan struct{} // closed when one is taken
}

// A waiting event is one in the queue.
type waiting struct {
	recorder.RoomEvent
	share  *memberShare // that it is in; nil: it must not be missed
	answer bool
}

// A missed identifies the missed events of one type and member. An identity of ""
// means several members.
type missed struct {
	participant string
	typ         media.EventType
}

type size struct{ events, bytes int }

// A memberShare is the part of the queue that one member has.
type memberShare struct {
	size
	queued []*linked.Element // in order; without the answer
	answer *linked.Element
}

// put adds an event that must not be missed, once fewer than limit such events
// wait. It reports false if closed is closed first. A limit of 0 means no limit.
func (q *queue) put(e recorder.RoomEvent, limit int, closed <-chan struct{}) bool {
	for {
		q.mu.Lock()
		if limit == 0 || q.required < limit {
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
	share := q.share(sender(e))
	if share.events >= memberWaits || share.bytes+len(e.Text) > memberWaitBytes {
		q.count(e)
		return
	}
	share.queued = append(share.queued, q.push(&waiting{RoomEvent: e, share: share}))
	q.resize(share, 1, len(e.Text))
	if q.all.events > roomWaits {
		q.dropNewest(func(s size) int { return s.events })
	}
	for q.all.bytes > roomWaitBytes {
		q.dropNewest(func(s size) int { return s.bytes })
	}
}

// answer adds an event that must not be missed if it is its member's last one. It
// replaces a waiting answer of the same member.
func (q *queue) answer(e recorder.RoomEvent) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if share := q.share(sender(e)); share.answer != nil {
		q.count(q.remove(share.answer))
	}
	share := q.share(sender(e))
	share.answer = q.push(&waiting{RoomEvent: e, share: share, answer: true})
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
	for key, n := range q.missed {
		delete(q.missed, key)
		return recorder.RoomEvent{At: time.Now(), Type: media.EventDropped, Participant: key.participant, Reason: string(key.typ), Count: n}, true, nil
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
func (q *queue) share(member string) *memberShare {
	share := q.shares[member]
	if share == nil {
		if q.shares == nil {
			q.shares = make(map[string]*memberShare)
		}
		share = new(memberShare)
		q.shares[member] = share
	}
	return share
}

func (q *queue) push(w *waiting) *linked.Element {
	if w.At.IsZero() {
		w.At = time.Now()
	}
	if w.share == nil {
		q.required++
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
	switch share := w.share; {
	case share == nil:
		q.required--
	case w.answer:
		share.answer = nil
	case share.queued[0] == at:
		share.queued = share.queued[1:]
		q.resize(share, -1, -len(w.Text))
	default:
		share.queued = share.queued[:len(share.queued)-1]
		q.resize(share, -1, -len(w.Text))
	}
	if share := w.share; share != nil && len(share.queued) == 0 && share.answer == nil {
		delete(q.shares, sender(w.RoomEvent))
	}
	return w.RoomEvent
}

// resize changes the size of a share.
func (q *queue) resize(share *memberShare, events, bytes int) {
	for _, s := range []*size{&share.size, &q.all} {
		s.events += events
		s.bytes += bytes
	}
}

// dropNewest drops the newest event of the share with the highest count.
func (q *queue) dropNewest(count func(size) int) {
	var most *memberShare
	for _, share := range q.shares {
		if len(share.queued) > 0 && (most == nil || count(share.size) > count(most.size)) {
			most = share
		}
	}
	q.count(q.remove(most.queued[len(most.queued)-1]))
}

// count counts an event that is missed.
func (q *queue) count(e recorder.RoomEvent) {
	key := missed{sender(e), e.Type}
	if _, known := q.missed[key]; !known && len(q.missed) >= maxMissed {
		key.participant = ""
		if _, known := q.missed[key]; !known && len(q.missed) >= 2*maxMissed {
			return
		}
	}
	if q.missed == nil {
		q.missed = make(map[missed]int)
	}
	q.missed[key]++
	q.wake()
}

// sender returns who sent an event, and whose share it takes from.
func sender(e recorder.RoomEvent) string { return cmp.Or(e.By, e.Participant) }

// wake wakes those who wait for an event.
func (q *queue) wake() {
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
}
