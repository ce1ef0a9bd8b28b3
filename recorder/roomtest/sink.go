package roomtest

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A Sink is a recorder.Sink that keeps in memory what is committed to it, unsealed. The
// zero value is empty. It is safe for concurrent use.
type Sink struct {
	// OnSegment is called after each segment that is committed. Nil is fine.
	OnSegment func()

	mu                sync.Mutex
	segments, indexes [][]byte
}

// CreateSegment implements recorder.Sink.
func (s *Sink) CreateSegment() (recorder.Object, error) {
	return s.create(&s.segments, s.OnSegment), nil
}

// CreateIndex implements recorder.Sink.
func (s *Sink) CreateIndex() (recorder.Object, error) { return s.create(&s.indexes, nil), nil }

func (s *Sink) create(among *[][]byte, committed func()) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &object{s: s, among: among, number: len(*among), committed: committed}
}

// Segments returns the segments that are committed, in order.
func (s *Sink) Segments() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.segments)
}

// Read parses what is committed. Tracks are by UID, as the last segment that lists them
// has them.
func (s *Sink) Read() (frames []media.Frame, events []media.Event, tracks map[uint64]media.Track, err error) {
	tracks = make(map[uint64]media.Track)
	for n, b := range s.Segments() {
		r, err := matroska.NewReader(bytes.NewReader(b))
		for err == nil {
			var block matroska.Block
			if block, err = r.Next(); err != nil {
				break
			}
			if block.Event != nil {
				events = append(events, *block.Event)
			} else {
				frames = append(frames, block.Frame)
			}
		}
		if err != io.EOF {
			return nil, nil, nil, fmt.Errorf("segment %d: %w", n, err)
		}
		for _, t := range r.Header().Tracks {
			tracks[t.UID] = t
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, b := range s.indexes {
		if _, err := media.ReadIndex(bytes.NewReader(b)); err != nil {
			return nil, nil, nil, fmt.Errorf("index %d: %w", n, err)
		}
	}
	return frames, events, tracks, nil
}

// An object is one that a Sink gave.
type object struct {
	bytes.Buffer
	s         *Sink
	among     *[][]byte
	number    int
	committed func()
}

func (o *object) Number() int  { return o.number }
func (o *object) Epoch() int   { return 1 }
func (o *object) Abort() error { return nil }

func (o *object) Commit() error {
	o.s.mu.Lock()
	*o.among = append(*o.among, o.Bytes())
	o.s.mu.Unlock()
	if o.committed != nil {
		o.committed()
	}
	return nil
}
