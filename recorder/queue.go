package recorder

import (
	"sync"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// queueLength is how many items wait between the room and the segments: over 2 s
	// of 30 tracks.
	queueLength = 4096
	// maxQueueBytes is how many bytes of frames, and of what is written, may wait so:
	// over ten seconds of ten good pictures.
	maxQueueBytes = 32 << 20
)

// An item is what goes into a segment: exactly one of frame or event is set. track is
// the frame's track as it is now.
type item struct {
	track media.Track
	frame *media.Frame
	event *media.Event
}

// data is how many bytes of frame, or of what somebody wrote, an item holds.
func (i item) data() int {
	if i.event != nil {
		return len(i.event.Text)
	}
	return len(i.frame.Data)
}

// weight is how much room an item takes in memory and in a segment, in bytes,
// about.
func (i item) weight() int64 {
	if i.event != nil {
		return int64(128 + len(i.event.Participant) + len(i.event.Name) + len(i.event.Reason) + len(i.event.Text))
	}
	return int64(32 + len(i.frame.Data))
}

// A queue stands between the goroutines that read the room and the one that writes
// segments. It is bounded by its items and by their bytes: where it is full, put
// waits. It is safe for concurrent use.
type queue struct {
	items     chan item     // taken by one goroutine, which tells by took
	abandoned chan struct{} // closed when nobody takes items any more

	mu    sync.Mutex // guards what follows
	bytes int
	freed chan struct{} // closed when some are gone; nil: nobody waits
}

func newQueue() *queue {
	return &queue{items: make(chan item, queueLength), abandoned: make(chan struct{})}
}

// put queues an item, its event cut to what a timeline takes. It waits while the
// queue is full, and does nothing once that is abandoned.
func (q *queue) put(i item) {
	if i.event != nil {
		e := i.event.Clamped()
		i.event = &e
	}
	if !q.reserve(i.data()) {
		return
	}
	select {
	case q.items <- i:
	case <-q.abandoned:
	}
}

// took makes room again for as much as an item that was taken.
func (q *queue) took(i item) { q.free(i.data()) }

// close says that no more is put. abandon says that no more is taken. Each is called
// once.
func (q *queue) close()   { close(q.items) }
func (q *queue) abandon() { close(q.abandoned) }

// reserve waits until there is room for n bytes, and takes it. What is too large for
// any room has it alone. It reports false once the queue is abandoned.
func (q *queue) reserve(n int) bool {
	for {
		q.mu.Lock()
		if q.bytes == 0 || q.bytes+n <= maxQueueBytes {
			q.bytes += n
			q.mu.Unlock()
			return true
		}
		if q.freed == nil {
			q.freed = make(chan struct{})
		}
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-q.abandoned:
			return false
		}
	}
}

// free gives the room of n bytes back.
func (q *queue) free(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= n
	if q.freed != nil {
		close(q.freed)
		q.freed = nil
	}
}
