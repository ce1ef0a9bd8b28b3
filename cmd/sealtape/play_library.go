package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/web"
)

// libraryParallel is how many recordings are looked at side by side.
const libraryParallel = 32

// A library gives package web the recordings of a store. What it learnt of one it
// keeps in memory, for as long as the recording stays as it is.
type library struct {
	*access
	identities []age.Identity

	mu    sync.Mutex
	known map[string]*shelved // by ID
	worst error               // of a recording that was opened, though its signer's key was revoked
}

// A shelved is what is known of a recording; one at a time looks at it.
type shelved struct {
	mu       sync.Mutex
	rec      *archive.Recording // nil: it was not opened yet
	entry    *web.Entry         // nil: it was not described yet, or not in the state that rec has
	glanced  bool
	resealed string // the ID of the recording that it was made of, once glanced
	kept     *keptIndexes
}

func newLibrary(a *access) *library {
	return &library{access: a, known: make(map[string]*shelved)}
}

func (l *library) shelf(id string) *shelved {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.known[id]
	if !ok {
		s = &shelved{kept: &keptIndexes{}}
		l.known[id] = s
	}
	return s
}

// distrusted returns why the signature of a recording that was opened is not
// trusted, nil if there is none.
func (l *library) distrusted() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worst
}

// keep takes note of a recording that is open already, and is about to be played:
// it returns its facts at a glance, and keeps what that took for Open.
func (l *library) keep(ctx context.Context, rec *archive.Recording) (*facts, error) {
	s := l.shelf(rec.Head().ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rec = rec
	f, err := glance(ctx, rec, s.kept)
	if err != nil {
		return nil, err
	}
	s.glance(f)
	return f, nil
}

func (s *shelved) glance(f *facts) {
	s.glanced = true
	if h, ok := cited(resealedFrom(f.events)); ok {
		s.resealed = h.ID
	}
}

// latest returns the recording as the store has it now. s.mu is held.
func (l *library) latest(ctx context.Context, id string, s *shelved) (*archive.Recording, error) {
	var rec *archive.Recording
	var err error
	switch {
	case s.rec == nil:
		rec, err = l.open(ctx, id, l.identities)
	case s.rec.Head().State.Final():
		return s.rec, nil
	default:
		rec, err = s.rec.Follow(ctx)
	}
	if err != nil {
		return nil, err
	}
	if rec != s.rec {
		s.rec, s.entry = rec, nil
	}
	return rec, nil
}

// Recordings describes all recordings, the latest first. One that cannot be
// opened is among them, with its problem.
func (l *library) Recordings(ctx context.Context) ([]web.Entry, error) {
	var ids []string
	for id, err := range archive.IDs(ctx, l.store) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	entries := make([]web.Entry, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(libraryParallel)
	for i, id := range ids {
		g.Go(func() error {
			entries[i] = l.describe(ctx, id)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(entries, func(a, b web.Entry) int { return b.Start.Compare(a.Start) })
	return entries, nil
}

// describe describes one recording, anew if it has changed.
func (l *library) describe(ctx context.Context, id string) web.Entry {
	s := l.shelf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := l.latest(ctx, id, s); err != nil {
		e := web.Entry{ID: id, Problem: err.Error()}
		if refused(err) || errors.Is(err, fs.ErrNotExist) {
			e.State = brokenState(err)
		}
		return e
	}
	if s.entry == nil {
		e, err := l.entry(ctx, s)
		if err != nil {
			e.Problem = err.Error() // of the moment: not kept
			return e
		}
		s.entry = &e
	}
	return *s.entry
}

// refused reports whether a recording did not open for what it is, and not
// because the store does not answer.
func refused(err error) bool {
	var corrupt *archive.CorruptError
	var back *archive.RollbackError
	var fork *archive.ForkError
	return errors.Is(err, archive.ErrForeignSigner) || errors.As(err, &corrupt) ||
		errors.As(err, &back) || errors.As(err, &fork)
}

// unfit tells package web that a recording did not open for what it is.
func unfit(err error) error {
	if refused(err) {
		return &sortedError{err, playback.ErrDamaged}
	}
	return err
}

// entry describes a recording by its indexes, and by the one segment after them
// that tells its length: a few requests. The error is the store's.
func (l *library) entry(ctx context.Context, s *shelved) (web.Entry, error) {
	rec, id := s.rec, s.rec.Head().ID
	e := web.Entry{ID: id, State: string(rec.Head().State), Signers: l.signers(rec.Signers()), People: []string{}}
	// Side by side with what comes first of the rest.
	var opens web.Access
	var stored int
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		stored, e.Bytes, err = l.stored(gctx, rec)
		return err
	})
	g.Go(func() (err error) {
		opens, err = accessTo(tryEpochs(gctx, rec))
		return err
	})
	if err := g.Wait(); err != nil {
		return e, err
	}
	if err := cmp.Or(l.distrust(rec), l.withheld(ctx, rec)); err != nil {
		e.Problem = err.Error()
	}
	missing := len(rec.Entries()) - stored
	if missing > 0 {
		e.Problem = cmp.Or(e.Problem, count(missing, "object")+" missing in the store")
	}
	e.Access = opens
	e.Incomplete = rec.Head().State != archive.StateClosed || missing > 0
	if opens == web.AccessNone {
		return e, nil
	}
	f, err := glance(ctx, rec, nil)
	if err != nil {
		e.Problem = err.Error()
		if errors.Is(err, playback.ErrDamaged) || errors.Is(err, playback.ErrLocked) {
			err = nil // it will not get better
		}
		return e, err
	}
	s.glance(f)
	e.Room, e.Start, e.Duration = f.room, f.start, f.duration
	e.Incomplete = e.Incomplete || incomplete(f.events)
	for _, p := range f.people() {
		name := p.Name
		if name == "" {
			name = p.Identity
		}
		if !slices.Contains(e.People, name) {
			e.People = append(e.People, name)
		}
	}
	return e, nil
}

// stored returns how many of a recording's objects the store has, and the size of
// all that it has of it.
func (l *library) stored(ctx context.Context, rec *archive.Recording) (n int, bytes int64, err error) {
	there := make(map[string]bool)
	for info, err := range archive.List(ctx, l.store, rec.Head().ID+"/") {
		if err != nil {
			return 0, 0, err
		}
		there[strings.TrimPrefix(info.Name, rec.Head().ID+"/")] = true
		bytes += info.Size
	}
	for _, o := range rec.Entries() {
		if there[o.Name] {
			n++
		}
	}
	return n, bytes, nil
}

// accessTo says what the errors of opening each epoch amount to. A damaged epoch
// counts as one that does not open; any other error is returned.
func accessTo(epochs []error) (web.Access, error) {
	opens := 0
	for _, err := range epochs {
		var corrupt *archive.CorruptError
		switch {
		case err == nil:
			opens++
		case !errors.Is(err, archive.ErrNoKey) && !errors.As(err, &corrupt):
			return "", err
		}
	}
	switch opens {
	case len(epochs):
		return web.AccessAll, nil
	case 0:
		return web.AccessNone, nil
	}
	return web.AccessPart, nil
}

// Open opens a recording to be played.
func (l *library) Open(ctx context.Context, id string) (web.Recording, error) {
	if err := archive.ValidID(id); err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	s := l.shelf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, err := l.latest(ctx, id, s)
	if err != nil {
		return nil, unfit(err)
	}
	if indexes := rec.Indexes(); !s.glanced && len(indexes) > 0 {
		// It says so in its first event, if that is ours to read.
		if x, err := readIndex(ctx, rec, indexes[0]); err == nil {
			s.glance(&facts{events: x.Events})
		}
	}
	return l.playable(ctx, s, rec)
}

// A playable is a recording as package web wants it.
type playable struct {
	indexedSource
	library *library
	shelved *shelved
	facts   web.Facts
}

func (l *library) playable(ctx context.Context, s *shelved, rec *archive.Recording) (*playable, error) {
	p := &playable{indexedSource: indexedSource{segmentSource{rec: rec}}, library: l, shelved: s, facts: web.Facts{
		ID: rec.Head().ID, State: string(rec.Head().State), Signers: l.signers(rec.Signers()), PostQuantum: rec.PostQuantum(),
		ResealedFrom: s.resealed, Command: "sealtape play " + rec.Head().ID,
	}}
	if err := cmp.Or(l.distrust(rec), l.withheld(ctx, rec)); err != nil {
		p.facts.Distrust = err.Error()
		l.mu.Lock()
		l.worst = cmp.Or(l.worst, err)
		l.mu.Unlock()
	}
	opened := tryEpochs(ctx, rec)
	if _, err := accessTo(opened); err != nil {
		return nil, err
	}
	for i, ep := range rec.Epochs() {
		e := web.Epoch{Number: ep.Number, Opens: opened[i] == nil, First: -1, Last: -1}
		for _, seg := range rec.Segments() {
			if seg.Epoch == ep.Number {
				if e.First < 0 {
					e.First = seg.Number
				}
				e.Last = seg.Number
			}
		}
		p.facts.Epochs = append(p.facts.Epochs, e)
	}
	return p, nil
}

func (p *playable) Facts() web.Facts { return p.facts }

func (p *playable) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	if b := p.shelved.kept.take(n); b != nil {
		return b, nil
	}
	return p.indexedSource.ReadIndex(ctx, n)
}

// Follow returns the recording as the store has it now, p itself if nothing is
// new.
func (p *playable) Follow(ctx context.Context) (web.Recording, error) {
	rec, err := p.rec.Follow(ctx)
	if err != nil {
		return nil, unfit(err)
	}
	if rec == p.rec {
		return p, nil
	}
	return p.library.playable(ctx, p.shelved, rec)
}
