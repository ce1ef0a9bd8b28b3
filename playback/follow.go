package playback

import (
	"context"
	"errors"
	"maps"
	"slices"
)

var errShrunk = errors.New("segments that were there are not listed any more")

// Follow returns the later state of a recording that goes on, as src has it now:
// s itself if src lists nothing new. What is known is not read again, but
// segments are that could not be read for a reason of the moment, or that a Brief
// Open left out. s stays as it is.
//
// Who watches what has just happened reads the newest segment next: that is kept
// until then.
//
// Events that are new stand where their times belong, which may be before others
// that s has. Follow fails only if ctx ends, or src does not go on from what s
// was opened with.
func (s *Session) Follow(ctx context.Context, src Source) (*Session, error) {
	s.mu.Lock()
	next := &Session{
		src: src, o: s.o,
		start: s.start, read: s.read, duration: s.duration, limit: s.limit,
		tracks: slices.Clone(s.tracks), byUID: maps.Clone(s.byUID),
		events: slices.Clone(s.events), holes: s.holes, indexes: maps.Clone(s.indexes),
		headers: s.headers, weight: s.weight,
	}
	next.o.Brief, next.keeps = false, true
	known := slices.Clone(s.segments)
	s.mu.Unlock()

	for i := range known {
		if seg := &known[i]; seg.skip && seg.State == Readable {
			seg.tried = false
		}
	}
	if err := next.list(src.Segments(), known); err != nil {
		return nil, err
	}
	if len(next.segments) < len(known) {
		return nil, errShrunk
	}
	if len(next.segments) == len(known) && len(next.untried()) == 0 {
		return s, nil
	}
	if err := next.learn(ctx); err != nil {
		return nil, err
	}
	return next, nil
}
