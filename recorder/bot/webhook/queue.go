package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
	"github.com/sealtape/sealtape/internal/pattern"
)

const (
	// maxQueued is how many events of a recording wait at most. Holes beyond are counted
	// in the next event; the others come once each.
	maxQueued = 256
	// maxQueues is how many recordings have events that wait, and maxAge how long they do:
	// then the oldest are dropped.
	maxQueues = 1024
	maxAge    = 72 * time.Hour

	eventExt = ".json"
)

// errHeld: another process delivers the queue.
var errHeld = errors.New("another process delivers these events")

var (
	validID    = pattern.Of(`^[0-9A-HJKMNP-TV-Z]{26}$`) // of a recording
	validEvent = pattern.Of(`^msg_[A-Z2-7]{26}$`)
)

// A queue has the events of one recording that wait, a file each, in a folder that one
// process holds at a time.
type queue struct {
	dir string

	mu      sync.Mutex
	lock    *filelock.Lock // nil where there is none: then an event may come twice, with the same ID
	next    int            // number of the next event
	waiting int
	dropped int // holes, since the last event
}

// openQueue takes the queue of a recording under root, and makes it. The error is errHeld if
// another process has it.
func openQueue(root, recording string) (*queue, error) {
	if !validID().MatchString(recording) {
		return nil, fmt.Errorf("webhook: %q is not the ID of a recording", recording)
	}
	q := &queue{dir: filepath.Join(root, recording)}
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if q.lock, err = filelock.Take(filepath.Join(q.dir, ".lock")); errors.Is(err, filelock.ErrHeld) {
		return nil, errHeld
	} else if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	names, err := q.names()
	if err != nil {
		return nil, errors.Join(err, q.lock.Close())
	}
	q.waiting = len(names)
	for _, name := range names {
		if n, ok := numberOf(name); ok {
			q.next = n + 1
		}
	}
	return q, nil
}

// numberOf returns the number of an event's file.
func numberOf(name string) (n int, ok bool) {
	if _, err := fmt.Sscanf(name, "%06d"+eventExt, &n); err != nil || fmt.Sprintf("%06d%s", n, eventExt) != name {
		return 0, false
	}
	return n, true
}

// names returns the files of the events, in order.
func (q *queue) names() ([]string, error) {
	entries, err := os.ReadDir(q.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := numberOf(e.Name()); ok && len(names) < 2*maxQueued {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// add stores an event. Once it returns, the event is on the disk.
func (q *queue) add(e Event) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.Type == Hole && q.waiting >= maxQueued {
		q.dropped += 1 + e.Data.Dropped
		return nil
	}
	e.Data.Dropped += q.dropped
	b, err := e.body()
	if err != nil {
		return err
	}
	if len(b) > maxEvent {
		return fmt.Errorf("webhook: an event of %d bytes", len(b))
	}
	if err := durable.WriteFile(filepath.Join(q.dir, fmt.Sprintf("%06d%s", q.next, eventExt)), b); err != nil {
		return err
	}
	q.next++
	q.waiting++
	q.dropped = 0
	return nil
}

// A waiting is an event that waits.
type waiting struct {
	name string // of its file
	id   string
	body []byte
	at   time.Time
}

// first returns the event that is next. What is no event, as after a fault of the disk, is
// removed. ok is false if none waits.
func (q *queue) first() (w waiting, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	names, err := q.names()
	if err != nil {
		return waiting{}, false, err
	}
	for _, name := range names {
		if w, err = q.read(name); err == nil {
			return w, true, nil
		}
		if err := q.drop(name); err != nil {
			return waiting{}, false, err
		}
	}
	return waiting{}, false, nil
}

func (q *queue) read(name string) (waiting, error) {
	f, err := os.Open(filepath.Join(q.dir, name))
	if err != nil {
		return waiting{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxEvent+1))
	if err != nil {
		return waiting{}, err
	}
	e, err := parseEvent(b)
	return waiting{name, e.ID, b, e.Time}, err
}

// parseEvent reads the body of a request.
func parseEvent(b []byte) (e Event, err error) {
	if len(b) > maxEvent {
		return Event{}, errors.New("webhook: an event that is too large")
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return Event{}, err
	}
	if !validEvent().MatchString(e.ID) || !validID().MatchString(e.Data.Recording) {
		return Event{}, errors.New("webhook: not an event")
	}
	return e, nil
}

// remove removes an event that was taken, or that is dropped.
func (q *queue) remove(w waiting) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.drop(w.name)
}

// drop removes a file. The caller holds the lock.
func (q *queue) drop(name string) error {
	if err := os.Remove(filepath.Join(q.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	q.waiting = max(0, q.waiting-1)
	return nil
}

// close gives the queue up, and removes its folder if nothing waits.
func (q *queue) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	names, err := q.names()
	if err == nil && len(names) == 0 {
		err = os.RemoveAll(q.dir)
	}
	return errors.Join(err, q.lock.Close())
}

// queued returns the recordings under root of which events wait, the oldest first.
func queued(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	times := make(map[string]time.Time)
	var ids []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !validID().MatchString(e.Name()) {
			continue
		}
		ids = append(ids, e.Name())
		times[e.Name()] = info.ModTime()
	}
	slices.SortFunc(ids, func(a, b string) int {
		if c := times[a].Compare(times[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return ids, nil
}
