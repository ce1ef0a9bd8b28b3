package matrixroom

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxSaid is how much of what members write and show may wait to be accepted. What comes
// beyond it is counted. Who comes and goes is bounded by package matrix.
const maxSaid = 1024

// A queue has events of the Matrix room for Accept, in order. It is safe for concurrent use.
// The zero value is empty.
type queue struct {
	mu     sync.Mutex
	events []queued
	said   int // how many of them may be missed
	missed map[missed]int
	more   chan struct{} // closed when there are events; nil: nobody waits
}

type queued struct {
	recorder.RoomEvent
	said   bool
	answer bool
}

type missed struct {
	participant string
	typ         media.EventType
}

// put adds an event that must not be missed.
func (q *queue) put(e recorder.RoomEvent) { q.push(queued{RoomEvent: e}) }

// offer adds what somebody wrote or showed, if there is room.
func (q *queue) offer(e recorder.RoomEvent) { q.push(queued{RoomEvent: e, said: true}) }

// answer adds what somebody answered a question of the recorder's, in the place of their
// answer before if that still waits: their last one is never missed.
func (q *queue) answer(e recorder.RoomEvent) { q.push(queued{RoomEvent: e, answer: true}) }

func (q *queue) push(e queued) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case e.said && q.said >= maxSaid:
		q.miss(missed{e.Participant, e.Type})
		q.wake()
		return
	case e.said:
		q.said++
	case e.answer:
		for i, before := range q.events {
			if before.answer && before.Participant == e.Participant {
				q.events = append(q.events[:i], q.events[i+1:]...)
				break
			}
		}
	}
	q.events = append(q.events, e)
	q.wake()
}

// miss counts what was missed. Called locked.
func (q *queue) miss(key missed) {
	if _, known := q.missed[key]; !known && len(q.missed) >= 64 {
		key.participant = ""
	}
	if q.missed == nil {
		q.missed = make(map[missed]int)
	}
	q.missed[key]++
}

// wake wakes who waits for an event. Called locked.
func (q *queue) wake() {
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
}

// take returns the next event, or a channel that is closed when there is one.
func (q *queue) take() (e recorder.RoomEvent, ok bool, more <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) > 0 {
		first := q.events[0]
		q.events[0] = queued{}
		q.events = q.events[1:]
		if first.said {
			q.said--
		}
		return first.RoomEvent, true, nil
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
