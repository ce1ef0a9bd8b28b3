package recorder

import "sync"

// maxLoad is how many bytes of frames, and of what is written, may wait between the
// room and the segmenter: over ten seconds of ten good pictures.
const maxQueueBytes = 32 << 20

// A queueBytes counts the bytes of what is in the queue. It is safe for concurrent
// use; the zero value is empty.
type queueBytes struct {
	mu    sync.Mutex
	bytes int
	freed chan struct{} // closed when some are gone; nil: nobody waits
}

// add waits until there is room for n bytes, and takes it. What is too large for
// any room has it alone. It reports false if stop is closed before.
func (l *queueBytes) add(n int, stop <-chan struct{}) bool {
	for {
		l.mu.Lock()
		if l.bytes == 0 || l.bytes+n <= maxQueueBytes {
			l.bytes += n
			l.mu.Unlock()
			return true
		}
		if l.freed == nil {
			l.freed = make(chan struct{})
		}
		freed := l.freed
		l.mu.Unlock()
		select {
		case <-freed:
		case <-stop:
			return false
		}
	}
}

// remove gives the room of n bytes back.
func (l *queueBytes) remove(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= n
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}
