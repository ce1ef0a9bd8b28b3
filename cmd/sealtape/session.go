package main

import (
	"context"
	"errors"
	"sync"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// openReadable opens a recording that at least one epoch of can be read with
// one's keys; if none can, the exit code says so.
func (a *access) openReadable(ctx context.Context, arg string) (*archive.Recording, error) {
	id, err := a.resolve(ctx, arg)
	if err != nil {
		return nil, err
	}
	identities, err := a.keys(ctx)
	if errors.Is(err, keys.ErrNoIdentity) {
		return nil, noKey(id, err)
	}
	if err != nil {
		return nil, err
	}
	rec, err := a.open(ctx, id, identities)
	if err != nil {
		return nil, err
	}
	epochs := rec.Epochs()
	for _, ep := range epochs {
		if _, err := rec.EpochSecret(ctx, ep.Number); !errors.Is(err, archive.ErrNoKey) {
			return rec, nil // it opens, or it is damaged, which is told where it matters
		}
	}
	if len(epochs) > 0 {
		return nil, noKey(id, nil)
	}
	return rec, nil
}

// A segmentSource gives a recording's segments to package playback. Of a
// segment that a crash tore it gives what there is.
type segmentSource struct {
	rec    *archive.Recording
	onRead func(n int) // called after each segment, may be nil

	mu   sync.Mutex
	torn map[int]bool
}

func (s *segmentSource) Segments() []int {
	var ns []int
	for _, seg := range s.rec.Segments() {
		ns = append(ns, seg.Number)
	}
	return ns
}

func (s *segmentSource) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	b, err := s.rec.ReadSegment(ctx, n)
	if t := (*archive.TornError)(nil); errors.As(err, &t) {
		s.mu.Lock()
		if s.torn == nil {
			s.torn = make(map[int]bool)
		}
		s.torn[n] = true
		s.mu.Unlock()
		err = nil
	}
	if s.onRead != nil {
		s.onRead(n)
	}
	return b, err
}

// tornSegments returns how many torn segments were read.
func (s *segmentSource) tornSegments() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.torn)
}
