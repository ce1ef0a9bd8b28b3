package playback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Session is an open recording. It holds what it learnt of the recording, not
// its media. It is safe for concurrent use.
type Session struct {
	src     Source
	o       Options
	reorder int // in place of reorderBytes, for tests

	mu       sync.Mutex
	start    time.Time
	read     bool // start is a segment's, not only an index's
	duration time.Duration
	limit    time.Duration // what is later than this makes no sense
	tracks   []trackState
	byUID    map[uint64]int // places in tracks
	events   []media.Event
	holes    []media.Event
	segments []segmentState
	indexes  map[int]bool // that need not be read any more
	headers  int          // tracks that segments told of
	weight   int64        // what all that is known takes, about, in bytes
	more     bool         // events came since they were sorted
	keeps    bool         // the last segment that is learnt of is kept
	kept     *reading
}

type trackState struct {
	media.Track
	read bool // a segment's header told of it, not only an index
}

const (
	// How much is read side by side.
	indexesAtOnce  = 8
	segmentsAtOnce = 4 // some 16 MiB each, while they are parsed

	// maxTracks bounds the tracks that indexes tell of, and those of segments.
	maxTracks = 1 << 14
	// maxWeight bounds timeline and key frames.
	maxWeight = 256 << 20
)

var errWeight = fmt.Errorf("timeline and key frames take more than %d MiB", maxWeight>>20)

// Open learns of the recording's tracks, timeline and holes: from its indexes, if
// src is an Indexer, and from those segments that no readable index tells of. An
// index is believed until a segment that is read says otherwise.
//
// Segments that cannot be read are listed by Missing. Open fails only if
// ctx ends, if the timeline is larger than any meeting's, or if there are
// segments and not one can be read: then the error wraps the first segment's, as
// a *SegmentError.
func Open(ctx context.Context, src Source, o Options) (*Session, error) {
	s := &Session{src: src, o: o, byUID: make(map[uint64]int), indexes: make(map[int]bool)}
	if err := s.list(src.Segments(), nil); err != nil {
		return nil, err
	}
	if err := s.learn(ctx); err != nil {
		return nil, err
	}
	if len(s.segments) > 0 && !slices.ContainsFunc(s.segments, func(seg segmentState) bool { return !seg.skip }) {
		return nil, fmt.Errorf("no segment can be read: %w", &missingOf(s.segments)[0])
	}
	return s, nil
}

// list notes which segments there are. Of those in known nothing changes.
func (s *Session) list(numbers []int, known []segmentState) error {
	if !slices.IsSorted(numbers) {
		return errors.New("segments are not in order")
	}
	for i, n := range numbers {
		if i > 0 {
			before := numbers[i-1]
			if n == before {
				return fmt.Errorf("segment %d is listed twice", n)
			}
			if n-before > 1 {
				s.segments = append(s.segments, segmentState{
					Segment: Segment{Number: before + 1, State: Unlisted, Err: ErrNotListed},
					numbers: min(n-before-1, maxNumbers), tried: true, skip: true,
				})
			}
		}
		seg := segmentState{Segment: Segment{Number: n, State: Readable}, numbers: 1, skip: true}
		for len(known) > 0 && (known[0].Number < n || known[0].State == Unlisted) {
			known = known[1:]
		}
		if len(known) > 0 && known[0].Number == n {
			seg = known[0]
		}
		s.segments = append(s.segments, seg)
	}
	return nil
}

// Start is the wall time of the recording clock's zero.
func (s *Session) Start() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start
}

// Duration is where the last frame or event that is known of ends on the
// recording clock. Segments at the end that cannot be read are beyond it. What is
// over a minute later than the recording's end, or over an hour later than its last
// segment begins if it has no end, does not count: it is a wrong time.
func (s *Session) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duration
}

// Tracks returns the tracks in the order of their appearance, those without a
// single frame included. Indexes do not tell of Private; see Complete.
func (s *Session) Tracks() []media.Track {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tracks []media.Track
	for _, t := range s.tracks {
		tracks = append(tracks, t.Track)
	}
	return tracks
}

// Events returns the timeline in order of time.
func (s *Session) Events() []media.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Holes returns the declared holes in order of From. Holes of one track and
// reason that touch are one; Time is From.
func (s *Session) Holes() []media.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.holes)
}

// Segments returns all segments in order, those included that cannot be read.
func (s *Session) Segments() []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	segments := make([]Segment, len(s.segments))
	for i := range s.segments {
		segments[i] = s.segments[i].Segment
	}
	return segments
}

// Missing returns the segments that could not be read, or not to their end, in
// order. One that only an index tells of counts as read until reading it fails
// for good.
func (s *Session) Missing() []SegmentError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return missingOf(s.segments)
}

// segmentError is err as that of segment n, with its times.
func (s *Session) segmentError(n int, err error) *SegmentError {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &SegmentError{Number: n, Err: err}
	if i, ok := s.place(n); ok {
		e.From, e.To = s.segments[i].From, s.segments[i].To
	}
	return e
}

// withFrames returns the tracks that have at least one frame in what can be
// read, and what their containers need.
func (s *Session) withFrames() []media.Track {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := make(map[uint64]bool)
	for _, seg := range s.segments {
		if !seg.skip {
			for _, t := range seg.Tracks {
				have[t.UID] = true
			}
		}
	}
	var tracks []media.Track
	for _, t := range s.tracks {
		if have[t.UID] && (t.Private != "" || !media.NeedsPrivate(t.Codec)) {
			tracks = append(tracks, t.Track)
		}
	}
	return tracks
}
