package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A Session is an open recording. It holds what it learnt of the recording, not
// its media. It is safe for concurrent use.
type Session struct {
	src Source
	o   Options

	start    time.Time
	duration time.Duration
	tracks   []media.Track
	byUID    map[uint64]*trackState
	events   []media.Event
	gaps     []media.Event
	segments []segmentState
	missing  []SegmentError
}

type trackState struct {
	index  int // in tracks
	frames int
}

// A segmentState is what Open saw of one listed segment.
type segmentState struct {
	number  int
	skip    bool // nothing of it can be read
	damaged bool // something of it cannot
	begin   time.Duration
	end     time.Duration
	empty   bool // it has no times
}

// Open reads every segment once to learn the recording's tracks, timeline and
// holes. Segments that cannot be read are listed by Missing. Open fails only if
// ctx ends, or if there are segments and not one can be read: then the error
// wraps the first segment's, as a *SegmentError.
func Open(ctx context.Context, src Source, o Options) (*Session, error) {
	s := &Session{src: src, o: o, byUID: make(map[uint64]*trackState)}
	numbers := src.Segments()
	if !slices.IsSorted(numbers) {
		return nil, errors.New("segments are not in order")
	}
	readable := 0
	for i, n := range numbers {
		if i > 0 {
			if n == numbers[i-1] {
				return nil, fmt.Errorf("segment %d is listed twice", n)
			}
			// One entry stands for all numbers that are left out.
			if n > numbers[i-1]+1 {
				s.missing = append(s.missing, SegmentError{Number: numbers[i-1] + 1, Err: ErrNotListed})
			}
		}
		state := segmentState{number: n, empty: true}
		err := s.learn(ctx, &state)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err != nil {
			state.damaged, state.skip = true, state.empty
			s.missing = append(s.missing, SegmentError{Number: n, Err: err})
		}
		if !state.skip {
			readable++
		}
		s.segments = append(s.segments, state)
	}
	if len(numbers) > 0 && readable == 0 {
		return nil, fmt.Errorf("no segment can be read: %w", &s.missing[0])
	}
	s.bound()
	slices.SortStableFunc(s.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
	s.gaps = mergeGaps(s.events)
	return s, nil
}

// learn takes note of one segment.
func (s *Session) learn(ctx context.Context, state *segmentState) error {
	extend := func(from, to time.Duration) {
		if state.empty || from < state.begin {
			state.begin = from
		}
		state.end = max(state.end, to)
		state.empty = false
		s.duration = max(s.duration, to)
	}
	for b, err := range blocks(ctx, s.src, state.number, s.o, s.header) {
		if err != nil {
			return err
		}
		if b.Event != nil {
			s.events = append(s.events, *b.Event)
			extend(b.Event.Time, b.Event.Time)
			continue
		}
		s.byUID[b.Frame.Track].frames++
		extend(b.Frame.Time, b.Frame.Time+b.Frame.Duration)
	}
	return nil
}

// header takes a segment's header into account, unless it contradicts those
// before it.
func (s *Session) header(h matroska.Header) error {
	if !s.start.IsZero() && !s.start.Equal(h.Start) {
		return fmt.Errorf("%w: it counts from another start", ErrForeign)
	}
	for _, t := range h.Tracks {
		if known, ok := s.byUID[t.UID]; ok && s.tracks[known.index].Codec != t.Codec {
			return fmt.Errorf("track %d changes its codec", t.UID)
		}
	}
	if s.start.IsZero() {
		s.start = h.Start
	}
	for _, t := range h.Tracks {
		known, ok := s.byUID[t.UID]
		if !ok {
			s.byUID[t.UID] = &trackState{index: len(s.tracks)}
			s.tracks = append(s.tracks, t)
			continue
		}
		// The largest picture is the one that a player should make room for.
		old := &s.tracks[known.index]
		if t.Width*t.Height > old.Width*old.Height {
			old.Width, old.Height = t.Width, t.Height
		}
		old.Channels = max(old.Channels, t.Channels)
		if old.Name == "" {
			old.Name = t.Name
		}
	}
	return nil
}

// bound gives missing segments the span that their neighbours leave.
func (s *Session) bound() {
	for i := range s.missing {
		m := &s.missing[i]
		for _, seg := range s.segments {
			switch {
			case seg.empty:
			case seg.number <= m.Number:
				m.From = max(m.From, seg.end)
			case m.To == 0 || seg.begin < m.To:
				m.To = seg.begin
			}
		}
		if m.To != 0 && m.To < m.From {
			m.To = m.From
		}
	}
}

// Start is the wall time of the recording clock's zero.
func (s *Session) Start() time.Time { return s.start }

// Duration is where the last frame or event ends on the recording clock.
func (s *Session) Duration() time.Duration { return s.duration }

// Tracks returns the tracks in the order of their appearance, those without a
// single frame included.
func (s *Session) Tracks() []media.Track { return slices.Clone(s.tracks) }

// Events returns the timeline in order of time.
func (s *Session) Events() []media.Event { return slices.Clone(s.events) }

// Gaps returns the declared holes in order of From. Holes of one track and
// reason that touch are one; Time is From.
func (s *Session) Gaps() []media.Event { return slices.Clone(s.gaps) }

// Missing returns the segments that could not be read, in order.
func (s *Session) Missing() []SegmentError { return slices.Clone(s.missing) }

// withFrames returns the tracks that have at least one frame.
func (s *Session) withFrames() []media.Track {
	var tracks []media.Track
	for _, t := range s.tracks {
		if s.byUID[t.UID].frames > 0 {
			tracks = append(tracks, t)
		}
	}
	return tracks
}
