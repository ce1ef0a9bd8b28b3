package clock

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A Put is where a frame was put that was captured at a time.
type Put struct{ Captured, At time.Duration }

// A Reel is a recorder.Sink that keeps where the frames of a meeting were put,
// and what the timeline says. The zero value is empty.
type Reel struct {
	// Puts are by the track's label, in the order they were written.
	Puts   map[string][]Put
	Events []media.Event

	mu                sync.Mutex
	segments, indexes int
	labels            map[uint64]media.Track
}

// CreateSegment implements recorder.Sink.
func (r *Reel) CreateSegment() (recorder.Object, error) {
	return &object{r: r, number: r.counted(&r.segments)}, nil
}

// CreateIndex implements recorder.Sink.
func (r *Reel) CreateIndex() (recorder.Object, error) {
	return &object{number: r.counted(&r.indexes)}, nil
}

func (r *Reel) counted(n *int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	*n++
	return *n - 1
}

// Sort puts each track's frames in the order of their capture.
func (r *Reel) Sort() {
	for _, puts := range r.Puts {
		slices.SortFunc(puts, func(a, b Put) int { return cmp.Compare(a.Captured, b.Captured) })
	}
}

// Usually is how long after its capture a frame was put, in the middle of all.
func (r *Reel) Usually() time.Duration {
	var all []time.Duration
	for _, puts := range r.Puts {
		for _, p := range puts {
			all = append(all, p.At-p.Captured)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

type object struct {
	bytes.Buffer
	r      *Reel // nil: an index
	number int
}

func (o *object) Number() int  { return o.number }
func (o *object) Epoch() int   { return 1 }
func (o *object) Abort() error { return nil }

func (o *object) Commit() error {
	if o.r == nil {
		return nil
	}
	m, err := matroska.NewReader(&o.Buffer)
	if err != nil {
		return err
	}
	r := o.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Puts == nil {
		r.Puts, r.labels = make(map[string][]Put), make(map[uint64]media.Track)
	}
	for _, t := range m.Header().Tracks {
		r.labels[t.UID] = t
	}
	for {
		b, err := m.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if b.Event != nil {
			r.Events = append(r.Events, *b.Event)
			continue
		}
		t := r.labels[b.Frame.Track]
		if at, ok := Captured(t.Codec, b.Frame.Data); ok {
			r.Puts[t.Label()] = append(r.Puts[t.Label()], Put{at, b.Frame.Time})
		}
	}
}
