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

// libraryParallel is how many recordings are described at once.
const libraryParallel = 32

// A Library lists the recordings of a store, and opens them. It caches what it
// learned of a recording, except the timeline, until the recording changes. It is
// safe for concurrent use.
type Library struct {
	store archive.Store
	o     Options

	mu    sync.Mutex
	known map[string]*shelved // by ID
	last  *Tape               // the last that was opened, with its session
}

// A shelved is what is known of a recording. One goroutine at a time uses it.
type shelved struct {
	mu   sync.Mutex
	tape *Tape        // nil: not opened yet
	d    *Description // nil: not described in the state that tape has
}

// NewLibrary returns the library of a store.
func NewLibrary(s archive.Store, o Options) *Library {
	return &Library{store: s, o: o, known: make(map[string]*shelved)}
}

// Keep adds a Tape that is open already: the next Open of its ID returns it, with
// its session.
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

// latest returns the recording as the store has it now. The caller holds s.mu.
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

// Recordings describes all recordings at a glance, without their timelines,
// latest first. A recording that does not open is among them, with its Err. A
// momentary failure to learn something is among its Problems. The error is that
// of listing the store.
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

// describe describes one recording, again if it has changed.
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
	d.Events = nil // those of an hour take a megabyte
	if err != nil {
		d.Problems = append(d.Problems, err.Error()) // momentary, so it is not cached
		return d
	}
	s.d = d
	return d
}

// Open opens a recording to be played. The error wraps fs.ErrNotExist for a name
// that is no recording's, and playback.ErrDamaged if the recording itself is at
// fault.
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
		// A Tape of its own, so that those that were open before can be freed
		// with their sessions.
		l.last = newTape(t.rec, t.store, l.o)
	}
	return l.last, nil
}

// Unfit returns err. If the recording itself is why it did not open or could not
// be followed, the result also wraps playback.ErrDamaged.
func Unfit(err error) error {
	if refused(err) {
		return &kindError{err, playback.ErrDamaged}
	}
	return err
}
