package player

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxOpen is how many recordings stay open.
const maxOpen = 3

// An openRecording is a recording that is being played.
type openRecording struct {
	p     *Player
	id    string
	boot  int           // differs from that of an earlier opening of the same recording
	ready chan struct{} // closed when it is open, or err says why not
	err   error
	// worded is closed when the transcripts are known, or cannot be had.
	worded chan struct{}

	mu       sync.Mutex
	rec      Recording
	session  *playback.Session
	segments []playback.Segment // of session, not to be changed
	events   []media.Event      // in the order in which they were learned, without what members signed
	agreed   []agreementJSON    // what that comes to
	words    []tape.Words       // as they were when it was opened
	wordsAt  int                // the version since which it is known which words there are, 0 before
	keys     bool               // the members made the room's keys
	version  int
	changed  chan struct{} // closed when version changes
	waiting  int           // how many wait for changed
	follows  bool          // a goroutine follows it
	lost     bool          // following it fails
	active   map[int]*activity
	edges    map[int]edges
	sizes    map[uint64]media.Track // sizes in initialization segments
}

// edges are what the neighbours of a segment must know of it.
type edges struct {
	first map[uint64]media.Frame // the first frame of each track, without data
	runs  map[uint64]opus.Run    // how far its sound has come, as it was sent
}

// maxEdges is of how many segments that are not cached edges are remembered.
const maxEdges = 2048

// open returns the recording. It opens it once for all callers.
func (p *Player) open(ctx context.Context, id string) (*openRecording, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	i := slices.IndexFunc(p.shelf, func(t *openRecording) bool { return t.id == id })
	var t *openRecording
	if i >= 0 {
		t = p.shelf[i]
		p.shelf = slices.Delete(p.shelf, i, i+1)
	} else {
		p.opened++
		t = &openRecording{p: p, id: id, boot: p.opened, ready: make(chan struct{}), worded: make(chan struct{}), changed: make(chan struct{}),
			active: make(map[int]*activity), edges: make(map[int]edges), sizes: make(map[uint64]media.Track)}
		p.wg.Go(t.open)
	}
	p.shelf = slices.Insert(p.shelf, 0, t)
	var old *openRecording
	if len(p.shelf) > maxOpen {
		old = p.shelf[maxOpen]
		p.shelf = p.shelf[:maxOpen]
	}
	p.mu.Unlock()
	if old != nil {
		p.cache.forget(old)
	}
	select {
	case <-t.ready:
		return t, t.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// open opens the recording. The first caller may be gone meanwhile, but others
// wait.
func (t *openRecording) open() {
	defer close(t.ready)
	rec, err := t.p.c.Library.Open(t.p.ctx, t.id)
	if err == nil {
		var session *playback.Session
		t.lookForWords(rec)
		if session, err = rec.Session(t.p.ctx); err == nil {
			t.set(rec, session)
			return
		}
	}
	t.err = err
	t.p.mu.Lock()
	t.p.shelf = slices.DeleteFunc(t.p.shelf, func(o *openRecording) bool { return o == t })
	t.p.mu.Unlock()
}

// set stores a state of the recording.
func (t *openRecording) set(rec Recording, session *playback.Session) {
	events := session.Events()
	agreed, keys := rec.Agreements(events, session.Duration())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rec, t.session = rec, session
	t.agreed, t.keys = agreementsJSON(agreed), keys
	// The page asks for events from a number on, so known events keep their
	// places.
	known := make(map[media.Event]int)
	for _, e := range t.events {
		known[e]++
	}
	for _, e := range events {
		if e.Type == media.EventCard || e.Type == media.EventRecorder || e.Type == media.EventState || e.Type == media.EventNote {
			continue
		}
		if known[e] > 0 {
			known[e]--
			continue
		}
		t.events = append(t.events, e)
	}
	t.refresh()
}

// refresh updates the segments' states. The caller holds the lock.
func (t *openRecording) refresh() {
	t.segments = t.session.Segments()
	for _, seg := range t.segments {
		if seg.State == playback.Failed {
			t.p.addFailed(t.id, seg)
		}
	}
	t.changes()
}

// changes makes it another version, and wakes who waits for one. The caller holds the lock.
func (t *openRecording) changes() {
	t.version++
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *openRecording) versionString() string { return fmt.Sprintf("%d.%d", t.boot, t.version) }

// read reads a segment for the cache.
func (t *openRecording) read(ctx context.Context, n int) (*playback.SegmentMedia, error) {
	t.mu.Lock()
	session := t.session
	t.mu.Unlock()
	m, err := session.ReadSegment(ctx, n)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.place(n)
	if ok {
		now := session.Segments()
		if j := slices.IndexFunc(now, func(seg playback.Segment) bool { return seg.Number == n }); j >= 0 &&
			now[j].State != t.segments[i].State && t.session == session {
			t.refresh()
		}
	}
	if err != nil {
		if errors.Is(err, playback.ErrDamaged) {
			t.p.log.Warn("a segment failed verification", "segment", n)
		}
		return nil, err
	}
	if len(t.edges) >= maxEdges {
		clear(t.edges)
	}
	first := make(map[uint64]media.Frame)
	for _, f := range m.Frames {
		if _, ok := first[f.Track]; !ok {
			f.Data = nil
			first[f.Track] = f
		}
	}
	t.edges[n] = edges{first: first, runs: t.edges[n].runs}
	return m, nil
}

// place returns the index of segment n in t.segments.
func (t *openRecording) place(n int) (int, bool) {
	return slices.BinarySearchFunc(t.segments, n, func(seg playback.Segment, n int) int { return seg.Number - n })
}
