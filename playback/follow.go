package playback

import (
	"context"
	"errors"
	"maps"
	"slices"
)

var errShrunk = errors.New("segments that were there are not listed any more")

// Follow returns the later state of a recording that goes on, as src has it now.
// If src lists nothing new, it returns s. What is known is not read again, except
// segments that could not be read for a momentary reason, or that a Brief Open
// left out. s does not change.
//
// Somebody who watches live reads the newest segment next, so Follow caches it
// until then.
//
// New events are sorted by time, which may put them before others that s has.
// Follow fails only if ctx ends, or if src does not continue what s was opened
// with.
func (s *Session) Follow(ctx context.Context, src Source) (*Session, error) {
	s.mu.Lock()
	next := &Session{
		src: src, options: s.options,
		start: s.start, startIsExact: s.startIsExact, duration: s.duration, limit: s.limit,
		tracks: slices.Clone(s.tracks), byUID: maps.Clone(s.byUID),
		events: slices.Clone(s.events), holes: s.holes, indexes: maps.Clone(s.indexes),
		headers: s.headers, bytesKnown: s.bytesKnown,
	}
	next.options.Brief, next.cacheLast = false, true
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
