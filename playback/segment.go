package playback

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A SegmentMedia is what one segment holds.
type SegmentMedia struct {
	Number int
	// Tracks are the tracks that the segment lists, with their Private, including
	// those without frames in it.
	Tracks []media.Track
	// Frames are in order of time, and the times of one track strictly rise. Of
	// two sounds at one time the second is left out. A picture at the time of
	// another comes a millisecond after it.
	Frames []media.Frame
	// Events are the events of the timeline in the segment, in its order.
	Events []media.Event
	// Size is the segment's length in bytes, decrypted.
	Size int
	// Torn: something at its end could not be read.
	Torn bool
}

// ReadSegment reads segment n and checks by its tags, its start and its tracks
// that it belongs to the recording. It reads it from the source each time, even
// if that failed before; only what Follow has just read is cached.
//
// Segments and Missing then show the result: a segment that turns out to be
// damaged or locked, or one that can be read after all.
func (s *Session) ReadSegment(ctx context.Context, n int) (*SegmentMedia, error) {
	if _, ok := s.find(n); !ok {
		return nil, &SegmentError{Number: n, Err: ErrNotListed}
	}
	r := s.takeCached(n)
	if r == nil {
		r = s.readSegment(ctx, n, true)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, _ = s.note(r)
	if r.err != nil && len(r.frames)+len(r.events) == 0 {
		return nil, s.segmentError(n, r.err)
	}
	m := &SegmentMedia{Number: n, Tracks: r.header.Tracks, Events: r.events, Size: r.size, Torn: r.err != nil}
	m.Frames = rising(r.frames, r.header.Tracks)
	return m, nil
}

// takeCached returns segment n if it is the cached one, and empties the cache.
func (s *Session) takeCached(n int) *reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.cached
	if r == nil || r.number != n {
		return nil
	}
	s.cached = nil
	return r
}

// rising sorts frames by time and makes the times of each track strictly rise.
func rising(frames []media.Frame, tracks []media.Track) []media.Frame {
	audio := make(map[uint64]bool)
	for _, t := range tracks {
		audio[t.UID] = t.Codec.Audio()
	}
	byTime := func(a, b media.Frame) int { return cmp.Compare(a.Time, b.Time) }
	slices.SortStableFunc(frames, byTime)
	last := make(map[uint64]time.Duration)
	moved := false
	frames = slices.DeleteFunc(frames, func(f media.Frame) bool {
		at, ok := last[f.Track]
		last[f.Track] = f.Time
		return ok && f.Time == at && audio[f.Track]
	})
	clear(last)
	for i := range frames {
		f := &frames[i]
		if at, ok := last[f.Track]; ok && f.Time <= at {
			shown := f.Shown()
			if f.Time, moved = at+time.Millisecond, true; f.Later != 0 {
				f.Later = shown - f.Time
			}
		}
		last[f.Track] = f.Time
	}
	if moved {
		slices.SortStableFunc(frames, byTime)
	}
	return frames
}

// A reading is the result of reading one segment. With an error it has what
// precedes the fault. If even the header could not be read, it has no Recording
// and no tracks.
type reading struct {
	number int
	headed bool // header was read, and belongs to this recording
	header matroska.Header
	size   int
	frames []media.Frame // in the order of the file
	events []media.Event
	facts  segmentFacts  // what an index says of it too
	near   time.Duration // where the frames end, without those far ahead of the first
	err    error
}

// readSegment reads a segment from the source. keep reports whether the frames
// are needed.
func (s *Session) readSegment(ctx context.Context, n int, keep bool) *reading {
	if s.joined != nil {
		return s.joined.read(ctx, n, keep)
	}
	r := &reading{number: n}
	data, err := s.src.ReadSegment(ctx, n)
	if err != nil {
		r.err = err
		return r
	}
	r.size = len(data)
	switch err := r.parse(data, s.options, keep); {
	case r.headed && errors.Is(err, io.ErrUnexpectedEOF):
		r.err = err // a crash tore it
	case err != nil:
		r.err = damage{err}
	}
	return r
}

func (r *reading) parse(data []byte, o Options, keep bool) error {
	m, err := matroska.NewReader(bytes.NewReader(data))
	if err == nil {
		err = belongs(m, r.number, o)
	}
	if err != nil {
		return err
	}
	r.headed, r.header = true, m.Header()
	codecs := make(map[uint64]media.Codec, len(r.header.Tracks))
	for _, t := range r.header.Tracks {
		codecs[t.UID] = t.Codec
	}
	var tally media.Tally
	tally.Open(r.number, r.header.Epoch)
	defer func() { media.ByDecoding(r.frames, r.header.Tracks) }()
	defer func() {
		r.facts.frames = tally.Any()
		r.facts.IndexSegment = tally.Close(int64(len(data)), 0)
	}()
	for {
		b, err := m.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil && (b.Frame.Time > maxTime || b.Event != nil && b.Event.Time > maxTime) {
			err = fmt.Errorf("time beyond %v", maxTime)
		}
		if err != nil {
			return err
		}
		if b.Event != nil {
			r.events = append(r.events, *b.Event)
			continue
		}
		tally.Frame(b.Frame, codecs[b.Frame.Track])
		if r.near > tally.Start()+media.LongestOpen {
			r.near = 0 // all frames so far were before
		}
		if b.Frame.Time <= tally.Start()+media.LongestOpen {
			r.near = max(r.near, b.Frame.Time+b.Frame.Duration)
		}
		if keep {
			r.frames = append(r.frames, b.Frame)
		}
	}
}

func belongs(r *matroska.Reader, n int, o Options) error {
	h := r.Header()
	switch {
	case o.Recording != "" && h.Recording != o.Recording:
		return fmt.Errorf("%w: it is of recording %.40q", ErrForeign, h.Recording)
	case h.Segment != n:
		return fmt.Errorf("%w: it is number %d", ErrForeign, h.Segment)
	case r.FormatVersion() != matroska.FormatVersion:
		return fmt.Errorf("format version %d, this program reads %d", r.FormatVersion(), matroska.FormatVersion)
	}
	return nil
}

// span returns the times of the frames that were read, or else of the events.
func (r *reading) span() (from, to time.Duration, ok bool) {
	if r.facts.frames {
		return r.facts.Start, r.facts.Start + r.facts.Duration, true
	}
	for i, e := range r.events {
		if i == 0 || e.Time < from {
			from = e.Time
		}
		to = max(to, e.Time)
	}
	return from, to, len(r.events) > 0
}

// stateOf returns the state of a segment that could not be read, by its error.
func stateOf(err error) State {
	switch {
	case errors.Is(err, ErrLocked):
		return Locked
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrForeign):
		return Failed
	}
	return Readable
}
