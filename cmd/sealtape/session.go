package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
)

// epochsParallel is how many epochs are looked at side by side: each is a request
// or two, and a bucket is far away.
const epochsParallel = 8

// openReadable opens a recording that at least one epoch of can be read with
// one's keys; if none can, the exit code says so.
func (a *access) openReadable(ctx context.Context, arg string) (*archive.Recording, error) {
	id, err := a.resolve(ctx, arg)
	if err != nil {
		return nil, err
	}
	identities, keysErr := a.keys(ctx)
	if keysErr != nil && !errors.Is(keysErr, keys.ErrNoIdentity) {
		return nil, keysErr
	}
	rec, err := a.open(ctx, id, identities)
	if err != nil {
		return nil, err
	}
	opens := true
	if keysErr == nil {
		if opens, err = opensAny(ctx, rec); err != nil {
			return nil, err
		}
	}
	if keysErr == nil && !opens {
		if err := a.withheld(ctx, rec); err != nil {
			return nil, err
		}
	}
	if keysErr != nil || !opens {
		return nil, a.locked(ctx, rec, keysErr)
	}
	return rec, nil
}

// opensAny reports whether a key opens an epoch, or whether that cannot be told
// because one is damaged, which is told where it matters.
func opensAny(ctx context.Context, rec *archive.Recording) (bool, error) {
	epochs := rec.Epochs()
	if len(epochs) == 0 {
		return true, nil
	}
	// Most often the first one does.
	if _, err := rec.EpochSecret(ctx, epochs[0].Number); !errors.Is(err, archive.ErrNoKey) {
		return true, ctx.Err()
	}
	for _, err := range tryEpochs(ctx, rec) {
		if !errors.Is(err, archive.ErrNoKey) {
			return true, ctx.Err()
		}
	}
	return false, ctx.Err()
}

// tryEpochs returns the errors of opening each epoch, in their order.
func tryEpochs(ctx context.Context, rec *archive.Recording) []error {
	epochs := rec.Epochs()
	errs := make([]error, len(epochs))
	var g errgroup.Group
	g.SetLimit(epochsParallel)
	for i, ep := range epochs {
		g.Go(func() error {
			_, errs[i] = rec.EpochSecret(ctx, ep.Number)
			return nil
		})
	}
	_ = g.Wait() // its functions return none
	return errs
}

// A segmentSource gives a recording's segments to package playback. Of a segment
// that a crash tore it gives what there is.
type segmentSource struct {
	rec    *archive.Recording
	onRead func(n int) // called after each segment, may be nil

	mu   sync.Mutex
	torn map[int]error
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
			s.torn = make(map[int]error)
		}
		s.torn[n] = t
		s.mu.Unlock()
		err = nil
	}
	if s.onRead != nil {
		s.onRead(n)
	}
	return b, sorted(err)
}

// tornSegments returns how many torn segments were read.
func (s *segmentSource) tornSegments() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.torn)
}

// An indexedSource gives the indexes, too: little is read then to learn what a
// recording holds.
type indexedSource struct{ segmentSource }

func (s *indexedSource) Indexes() []int { return s.rec.Indexes() }

func (s *indexedSource) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	b, err := s.rec.ReadIndex(ctx, n)
	return b, sorted(err)
}

// sorted tells package playback, which knows no archive, of what kind an error
// of reading is. What is neither is the store's, and may be over in a moment.
func sorted(err error) error {
	var corrupt *archive.CorruptError
	switch {
	case errors.As(err, &corrupt):
		return &sortedError{err, playback.ErrDamaged}
	case errors.Is(err, archive.ErrNoKey):
		return &sortedError{err, playback.ErrLocked}
	}
	return err
}

// A sortedError reads as its error, and is of a kind too.
type sortedError struct{ err, kind error }

func (e *sortedError) Error() string   { return e.err.Error() }
func (e *sortedError) Unwrap() []error { return []error{e.err, e.kind} }
