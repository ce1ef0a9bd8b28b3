package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/words"
)

// A Sweep finishes what earlier recordings left in the spool: it ends those that a
// crash cut, copies all to the stores, and removes the local copies once every store
// has confirmed them. What another process holds is left alone, and so is a link.
type Sweep struct {
	// Spool is the folder, Source the same as a store. Required.
	Spool  string
	Source archive.Store
	// Stores are all to have it. They try again by themselves: archive.Retry. Required.
	Stores []Store
	// StoreID names them together, as Config.StoreID did when the recording began;
	// what is for another store is left alone.
	StoreID string
	// Signer ends what a crash left open, Verifiers believe heads. Required.
	Signer    Signer
	Verifiers note.Verifiers
	// Keep leaves the local copies where they are.
	Keep bool
	// Except is the ID of a recording that goes on here, "" for none.
	Except string
	// Log takes what the archive has to tell; nil discards it.
	Log *slog.Logger
	// Say tells of what was done, Warn of what is lost or left alone; nil is nobody.
	Say, Warn func(text string)
	// Foreign is told of a recording that is for other stores: what says for which, as
	// the end of a sentence. nil: Warn is.
	Foreign func(id, what string)
	// Stored is told of each recording that all stores have now. nil is nobody.
	Stored func(id string, state archive.State)
	// Progress is called before a recording of so many objects is copied: stored is
	// called for each that a store has, finish in the end. nil shows nothing.
	Progress func(objects int64) (stored, finish func())
}

// Run recovers and copies, and returns what failed, an error for each recording: an
// *archive.OtherRecorderError for what another recorder began, a *LackError for what a
// store has not got. It ends early with ctx.
func (s *Sweep) Run(ctx context.Context) (failed []error) {
	recovered, err := archive.Recover(ctx, s.Spool, archive.Config{Signer: s.Signer.Signer, Own: s.Signer.Own, Store: s.StoreID, Log: s.Log})
	left := make(map[string]bool) // what is not ours to end
	for _, err := range joined(err) {
		if other := (*archive.OtherRecorderError)(nil); errors.As(err, &other) {
			left[other.ID] = true
		}
		failed = append(failed, err)
	}
	for _, r := range recovered {
		switch {
		case r.Head.Size == 0:
			s.say("%s held nothing yet, removed", r.ID)
		case len(r.Torn) > 0:
			s.say("%s was cut: ended after %s, of which the last is torn", r.ID, words.Count(int(r.Head.Size), "object"))
		default:
			s.say("%s was cut: ended after %s", r.ID, words.Count(int(r.Head.Size), "object"))
		}
		if len(r.Aside) > 0 {
			s.warn("this disk cannot read %s of %s, which were not stored yet and are lost to it; what is left of them is in %s",
				strings.Join(r.Aside, ", "), r.ID, filepath.Join(s.Spool, "quarantine", r.ID))
		}
	}
	var busy []string
	ids, err := spooled(ctx, s.Source) // without those that are gone
	if err != nil {
		return append(failed, fmt.Errorf("reading the spool: %w", err))
	}
	for _, id := range ids {
		if id == s.Except || left[id] {
			continue
		}
		if ctx.Err() != nil {
			return append(failed, ctx.Err())
		}
		err := s.upload(ctx, id)
		if errors.Is(err, archive.ErrBusy) {
			busy = append(busy, id)
			continue
		}
		failed = append(failed, joined(err)...)
	}
	switch len(busy) {
	case 0:
	case 1:
		s.say("%s is being recorded or copied; left alone", busy[0])
	default: // of a machine with many rooms, each would say so of each other
		s.say("%s are being recorded or copied; left alone", words.Count(len(busy), "recording"))
	}
	return failed
}

// upload copies one recording of the spool, and removes the local copy once every
// store has all of it.
func (s *Sweep) upload(ctx context.Context, id string) (err error) {
	h, err := archive.HoldSpooled(s.Spool, id)
	var other *archive.NotObjectError
	switch {
	case errors.As(err, &other):
		s.warn("%v, which is no recording of this spool; left alone", other)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if kept, err := h.Kept(); kept || err != nil {
		return err
	}
	if store, err := h.Store(); err != nil {
		return err
	} else if store != s.StoreID {
		s.foreign(id, s.meantFor(store))
		return nil
	}
	rec, err := archive.Open(ctx, s.Source, id, archive.Options{Verifiers: s.Verifiers})
	if err != nil {
		return err
	}
	head := rec.Head()
	if !head.State.Final() {
		return nil // it could not be recovered, and that was told
	}
	// Copy returns once the store confirmed size and hash of every object.
	all := newSpoolCopies(s.Stores, copySource{spool: s.Spool, id: id, store: s.Source, key: s.Signer, keep: s.Keep, warn: s.warn})
	stored, finish := func() {}, func() {}
	if s.Progress != nil {
		stored, finish = s.Progress(head.Size * int64(len(s.Stores)))
	}
	var telling sync.Mutex
	for _, c := range all.each {
		c.OnStored = func(archive.Entry) {
			telling.Lock()
			defer telling.Unlock()
			stored()
		}
	}
	err = all.do(func(c *spoolCopy) error { return c.Copy(ctx) })
	finish()
	if err != nil {
		return err // archive.ErrElsewhere: the store that it was recorded to has what is missing here
	}
	// What could not be removed one by one can still be removed with the folder.
	if err := all.endLocal(h); err != nil {
		return errors.Join(err, all.notReleased())
	}
	if s.Keep {
		s.say("%s is in the store (%s), local copy kept", id, words.Count(int(head.Size), "object"))
	} else {
		s.say("%s is in the store (%s), local copy removed", id, words.Count(int(head.Size), "object"))
	}
	if s.Stored != nil {
		s.Stored(id, head.State)
	}
	return nil
}

func (s *Sweep) foreign(id, what string) {
	if s.Foreign != nil {
		s.Foreign(id, what)
		return
	}
	s.warn("%s %s; left alone", id, what)
}

// meantFor says what a recording is for that is noted for store, and so not for all of
// ours and no others.
func (s *Sweep) meantFor(store string) string {
	noted := strings.Split(store, storesJoined)
	for _, ours := range strings.Split(s.StoreID, storesJoined) {
		if ours != "" && slices.Contains(noted, ours) {
			if len(noted) > 1 {
				return "is for these stores together: " + words.Clean(store)
			}
			return "is for this store alone: " + words.Clean(store)
		}
	}
	if strings.Contains(s.StoreID, storesJoined) {
		return "is not for these stores together but for " + cmp.Or(words.Clean(store), "one that is not noted")
	}
	return "is not for this store but for " + cmp.Or(words.Clean(store), "one that is not noted")
}

func (s *Sweep) say(format string, args ...any) {
	if s.Say != nil {
		s.Say(fmt.Sprintf(format, args...))
	}
}

func (s *Sweep) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}

// spooled lists the recordings in the spool.
func spooled(ctx context.Context, spool archive.Store) (ids []string, err error) {
	for id, err := range archive.IDs(ctx, spool) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// joined takes apart what errors.Join made.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// sweep finishes, beside the recording id, what earlier ones left in the spool, until
// ctx ends. What fails is told and is for another time.
func (b *Bot) sweep(ctx context.Context, spool string, src archive.Store, id string) {
	verifiers, err := b.c.verifiers()
	if err != nil {
		b.log.Warn("earlier recordings stay in the spool", "err", err)
		return
	}
	s := &Sweep{
		Spool: spool, Source: src, Stores: Retry(b.c.Stores, archive.RetryConfig{}), StoreID: b.c.StoreID,
		Signer: b.signer, Verifiers: verifiers, Keep: b.c.KeepLocal, Except: id,
		Say:  func(text string) { b.log.Info(text) },
		Warn: func(text string) { b.log.Warn(text) },
	}
	if b.c.Milestone != nil {
		s.Stored = func(id string, state archive.State) {
			b.c.Milestone(Milestone{Kind: MilestoneStored, Recording: id, State: state, Incomplete: state == archive.StateCut})
		}
	}
	for _, err := range s.Run(ctx) {
		if errors.Is(err, context.Canceled) {
			b.log.Warn("an earlier recording is not all in the store yet: sealtape recover, or the next record, goes on with it")
			continue
		}
		b.log.Warn("an earlier recording stays in the spool: sealtape recover says what can be done", "err", err)
	}
}
