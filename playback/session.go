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

// A Session is an open recording. It holds what was learned of the recording, not
// its media. It is safe for concurrent use.
type Session struct {
	src     Source
	options Options
	reorder int     // replaces reorderBytes in tests
	joined  *joined // several recordings: see Join; nil for one

	mu             sync.Mutex
	start          time.Time
	startIsExact   bool // start is a segment's, not only an index's
	duration       time.Duration
	limit          time.Duration // a later time is not credible
	tracks         []trackState
	byUID          map[uint64]int // index in tracks
	events         []media.Event
	holes          []media.Event
	segments       []segmentState
	indexes        map[int]bool // those that need not be read again
	headers        int          // tracks that segments mention
	bytesKnown     int64        // about how many bytes all that is known takes
	eventsUnsorted bool         // events were added since they were sorted
	cacheLast      bool         // the last segment that is learned of is cached
	cached         *reading
}

type trackState struct {
	media.Track
	read bool // a segment's header has it, not only an index
}

const (
	// How many are read at once.
	indexesAtOnce  = 8
	segmentsAtOnce = 4 // some 16 MiB each, while they are parsed

	// maxTracks bounds the tracks that indexes mention, and those of segments.
	maxTracks = 1 << 14
	// maxBytesKnown bounds timeline and key frames.
	maxBytesKnown = 256 << 20
)

var errWeight = fmt.Errorf("timeline and key frames take more than %d MiB", maxBytesKnown>>20)

// Open learns the recording's tracks, timeline and holes: from its indexes, if
// src is an Indexer, and from the segments that no readable index describes. An
// index is believed until a segment that is read contradicts it.
//
// Missing lists the segments that cannot be read. Open fails only if ctx ends, if
// the timeline is larger than any meeting's, or if no segment can be read though
// there are some. In the last case the error wraps the first segment's
// *SegmentError.
func Open(ctx context.Context, src Source, o Options) (*Session, error) {
	s := &Session{src: src, options: o, byUID: make(map[uint64]int), indexes: make(map[int]bool)}
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

// list adds the segments that there are. It leaves those in known unchanged.
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

// Start is the wall time at which the recording clock is zero.
func (s *Session) Start() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start
}

// Duration is where the last known frame or event ends on the recording clock.
// Unreadable segments at the end are after it. A time more than a minute after
// the recording's end counts as wrong and is ignored; without an end, so is a
// time more than an hour after the last segment begins.
func (s *Session) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duration
}

// Tracks returns the tracks in order of appearance, including those without a
// frame. Private is missing in tracks that only indexes mention: see Complete.
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
// reason that touch are merged; Time is From.
func (s *Session) Holes() []media.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.holes)
}

// Segments returns all segments in order, including those that cannot be read.
func (s *Session) Segments() []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	segments := make([]Segment, len(s.segments))
	for i := range s.segments {
		segments[i] = s.segments[i].Segment
	}
	return segments
}

// Missing returns the segments that could not be read to their end, in order. A
// segment that only an index describes counts as read until reading it fails with
// a final error.
func (s *Session) Missing() []SegmentError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return missingOf(s.segments)
}

// segmentError returns err as an error of segment n, with its times.
func (s *Session) segmentError(n int, err error) *SegmentError {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &SegmentError{Number: n, Err: err}
	if i, ok := s.place(n); ok {
		e.From, e.To = s.segments[i].From, s.segments[i].To
	}
	return e
}

// withFrames returns the tracks with at least one readable frame, and what their
// containers need.
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
