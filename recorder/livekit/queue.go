package livekit

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

const (
	// eventQueue is how many events wait to be accepted; then whoever has more
	// waits, and with them the server's messages.
	eventQueue = 1024
	// comingQueue is the same for those who come and go, of whom a server tells in
	// large numbers before anybody can accept.
	comingQueue = 1 << 16
)

// A queue holds a room's events for Accept, in order. It is safe for concurrent
// use; the zero value is empty.
type queue struct {
	mu     sync.Mutex
	events []recorder.RoomEvent
	more   chan struct{} // closed when there are some; nil: nobody waits for that
	less   chan struct{} // closed when one is taken
}

// put adds an event that must not be missed, when fewer than limit wait, and
// reports whether it did: not where closed is closed first. limit 0 is none.
func (q *queue) put(e recorder.RoomEvent, limit int, closed <-chan struct{}) bool {
	for {
		q.mu.Lock()
		if limit == 0 || len(q.events) < limit {
			q.add(e)
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

// offer adds an event that may be missed, unless the queue is rather full.
func (q *queue) offer(e recorder.RoomEvent) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) >= eventQueue*3/4 {
		return false
	}
	q.add(e)
	return true
}

// add adds an event. q.mu is held.
func (q *queue) add(e recorder.RoomEvent) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	q.events = append(q.events, e)
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
}

// take returns the next event, or else what is closed when there is one.
func (q *queue) take() (e recorder.RoomEvent, ok bool, more <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		if q.more == nil {
			q.more = make(chan struct{})
		}
		return e, false, q.more
	}
	e = q.events[0]
	q.events[0] = recorder.RoomEvent{}
	if q.events = q.events[1:]; len(q.events) == 0 {
		q.events = nil
	}
	if q.less != nil {
		close(q.less)
		q.less = nil
	}
	return e, true, nil
}

// length is how many events wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events)
}
