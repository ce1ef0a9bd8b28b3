package tape

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
)

// libraryParallel is how many recordings are looked at side by side.
const libraryParallel = 32

// A Library lists the recordings of a store, and opens them. What it learnt of one it
// keeps in memory, but for the timeline, for as long as the recording stays as it is.
// It is safe for concurrent use.
type Library struct {
	store archive.Store
	o     Options

	mu    sync.Mutex
	known map[string]*shelved // by ID
	last  *Tape               // that was opened, with its session
}

// A shelved is what is known of a recording; one at a time looks at it.
type shelved struct {
	mu   sync.Mutex
	tape *Tape        // nil: it was not opened yet
	d    *Description // nil: it was not described yet, or not in the state that tape has
}

// NewLibrary returns the library of a store.
func NewLibrary(s archive.Store, o Options) *Library {
	return &Library{store: s, o: o, known: make(map[string]*shelved)}
}

// Keep takes a Tape that is open already, and is about to be asked for: Open gives it
// back, with the session that it has.
func (l *Library) Keep(t *Tape) {
	s := l.shelf(t.ID())
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	s.tape, s.d, l.last = newTape(t.rec, t.store, l.o), nil, t
}

func (l *Library) shelf(id string) *shelved {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.known[id]
	if !ok {
		s = &shelved{}
		l.known[id] = s
	}
	return s
}

// latest returns the recording as the store has it now. s.mu is held.
func (l *Library) latest(ctx context.Context, id string, s *shelved) (*Tape, error) {
	var t *Tape
	var err error
	switch {
	case s.tape == nil:
		t, err = Open(ctx, l.store, id, l.o)
	case s.tape.rec.Head().State.Final():
		return s.tape, nil
	default:
		t, err = s.tape.Follow(ctx)
	}
	if err != nil {
		return nil, err
	}
	if t != s.tape {
		s.tape, s.d = t, nil
	}
	return t, nil
}

// Recordings describes all recordings at a glance, without their timelines, the latest
// first. One that does not open is among them, with its Err; what could not be learnt of
// one for a reason of the moment is among its Problems. The error is that of listing the
// store.
func (l *Library) Recordings(ctx context.Context) ([]*Description, error) {
	var ids []string
	for id, err := range archive.IDs(ctx, l.store) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	all := make([]*Description, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(libraryParallel)
	for i, id := range ids {
		g.Go(func() error {
			all[i] = l.describe(ctx, id)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *Description) int { return b.Start.Compare(a.Start) })
	return all, nil
}

// describe describes one recording, anew if it has changed.
func (l *Library) describe(ctx context.Context, id string) *Description {
	s := l.shelf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := l.latest(ctx, id, s)
	if err != nil {
		return Unopened(id, err)
	}
	if s.d != nil {
		return s.d
	}
	d, err := t.Glance(ctx)
	d.Events = nil // an hour's are a megabyte
	if err != nil {
		d.Problems = append(d.Problems, err.Error()) // of the moment: not kept
		return d
	}
	s.d = d
	return d
}

// Open opens a recording to be played. The error wraps fs.ErrNotExist for what can be
// no recording, and playback.ErrDamaged if it did not open for what it is.
func (l *Library) Open(ctx context.Context, id string) (*Tape, error) {
	if err := archive.ValidID(id); err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	s := l.shelf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := l.latest(ctx, id, s)
	if err != nil {
		return nil, Unfit(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || l.last.rec != t.rec {
		// One of its own, so that not all that were ever opened keep their sessions.
		l.last = newTape(t.rec, t.store, l.o)
	}
	return l.last, nil
}

// Unfit returns err, as playback.ErrDamaged too if a recording did not open, or could
// not be followed, for what it is.
func Unfit(err error) error {
	if refused(err) {
		return &kindError{err, playback.ErrDamaged}
	}
	return err
}
