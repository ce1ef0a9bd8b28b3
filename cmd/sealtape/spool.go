package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"golang.org/x/mod/sumdb/note"
)

// A recorderKey is what a recorder signs with, and what it did before.
type recorderKey struct {
	signer note.Signer
	own    note.Verifiers
}

// mayRecord refuses keys that are not a recorder's: nobody would believe what they
// sign.
func mayRecord(id *keys.Identity) error {
	card, err := id.Card()
	if err != nil || card.Role == keys.Recorder {
		return err
	}
	return hinted(fmt.Errorf("the keys of %s are a %s's: what they sign is no recording to anyone", clean(card.Name), card.Role),
		"sealtape keys init --recorder makes a recorder's, in a SEALTAPE_HOME of its own")
}

// newRecorderKey returns the keys of the home, of which id is today's, if they are
// a recorder's.
func newRecorderKey(h *keys.Home, id *keys.Identity) (recorderKey, error) {
	if err := mayRecord(id); err != nil {
		return recorderKey{}, err
	}
	own := []note.Verifier{id.Verifier()}
	earlier, err := h.EarlierKeys()
	if err != nil {
		return recorderKey{}, err
	}
	for _, key := range earlier {
		v, err := note.NewVerifier(key)
		if err != nil {
			return recorderKey{}, err
		}
		own = append(own, v)
	}
	return recorderKey{id.Signer(), note.VerifierList(own...)}, nil
}

// A spoolCopy copies one recording from the spool. An object that is damaged
// there is moved aside, and the rest goes on.
type spoolCopy struct {
	*archive.Copier
	spool, id string
	store     string // its name, where there are several

	mu   sync.Mutex
	bad  []string // names of what was passed over
	ours bool     // of something passed over the spool has the only good copy
}

// newSpoolCopy copies the recording id from src, which is the folder spool. The
// recorder's key lets the store's copy grow, and the local one shrink, in the
// middle of a long pass, and puts right what others put in its place.
func newSpoolCopy(dst, src archive.Store, spool, id string, key recorderKey, warn func(format string, args ...any)) *spoolCopy {
	// A file that the disk cannot read is read again for some seconds. Then it is
	// bad, and no reason to hold up the others.
	src = archive.Retry(src, archive.RetryConfig{Attempts: 5, Max: 2 * time.Second})
	c := &spoolCopy{Copier: archive.NewCopier(dst, src, id), spool: spool, id: id}
	c.Signer, c.Own = key.signer, key.own
	c.OnTaken = func(name string) {
		warn("someone who can write to the store had put something else under the name of %s/%s; it was overwritten by what was recorded", id, name)
	}
	c.OnBad = func(b *archive.BadObjectError) error {
		if err := archive.QuarantineSpooled(spool, b); err != nil {
			return err
		}
		taken := errors.Is(b, archive.ErrConflict)
		if taken {
			warn("the store has something else under the name of %s/%s; the rest goes on without it", id, b.Name)
		} else {
			warn("%s/%s is damaged on this disk (%v); the rest goes on without it", id, b.Name, b.Err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bad = append(c.bad, b.Name)
		c.ours = c.ours || taken
		return nil
	}
	return c
}

// keepsOurs reports whether the local copy is to stay as it is, because the store
// has something else in the place of a part of it.
func (c *spoolCopy) keepsOurs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ours
}

// lacks returns an error that tells what the store has not got and never will, if
// there is any. The local copy may have been kept for it.
func (c *spoolCopy) lacks(kept bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bad) == 0 {
		return nil
	}
	where := "what is left of it is in " + filepath.Join(c.spool, "quarantine", c.id)
	if kept {
		where = "it is kept in " + filepath.Join(c.spool, c.id)
	}
	what := "sealtape verify " + c.id + " says what is missing"
	if c.store != "" {
		what += ", and sealtape repair " + c.id + " puts back what another store has"
	}
	return hinted(fmt.Errorf("the store lacks %s of recording %s: %s", count(len(c.bad), "object"), c.id, strings.Join(c.bad[:min(len(c.bad), 5)], ", ")),
		"the rest is stored and can be read; "+where+"; "+what)
}

// A sweep finishes what earlier recordings left in the spool.
type sweep struct {
	spool     string
	src       archive.Store
	dst       []namedStore // which try again by themselves
	store     string       // names dst; what is for another store is left alone
	key       recorderKey  // ends what a crash left open
	verifiers note.Verifiers
	people    func(keys []string) []string // whose keys they are; nil: their names
	keep      bool
	live      string // the recording that goes on here, if any
	log       *slog.Logger
	say, warn func(format string, args ...any)
	bar       func(objects int64) (stored func(), finish func())
}

// run recovers and copies, and returns what failed. It ends early with ctx. What
// another process holds is left alone.
func (s *sweep) run(ctx context.Context) (failed []error) {
	recovered, err := archive.Recover(ctx, s.spool, archive.Config{Signer: s.key.signer, Own: s.key.own, Store: s.store, Log: s.log})
	left := make(map[string]bool) // what is not ours to end
	for _, err := range joined(err) {
		if other := (*archive.OtherRecorderError)(nil); errors.As(err, &other) {
			left[other.ID] = true
			err = s.notOurs(other)
		}
		failed = append(failed, err)
	}
	for _, r := range recovered {
		switch {
		case r.Head.Size == 0:
			s.say("%s held nothing yet, removed", r.ID)
		case len(r.Torn) > 0:
			s.say("%s was cut: ended after %s, of which the last is torn", r.ID, count(int(r.Head.Size), "object"))
		default:
			s.say("%s was cut: ended after %s", r.ID, count(int(r.Head.Size), "object"))
		}
		if len(r.Aside) > 0 {
			s.warn("this disk cannot read %s of %s, which were not stored yet and are lost to it; what is left of them is in %s",
				strings.Join(r.Aside, ", "), r.ID, filepath.Join(s.spool, "quarantine", r.ID))
		}
	}
	ids, err := spooled(ctx, s.src) // without those that are gone
	if err != nil {
		return append(failed, fmt.Errorf("reading the spool: %w", err))
	}
	for _, id := range ids {
		if id == s.live || left[id] {
			continue
		}
		if ctx.Err() != nil {
			return append(failed, ctx.Err())
		}
		failed = append(failed, joined(s.upload(ctx, id))...)
	}
	return failed
}

// notOurs says whose a recording is that another recorder began.
func (s *sweep) notOurs(other *archive.OtherRecorderError) error {
	who := other.By
	if s.people != nil {
		who = s.people(other.By)
	}
	return hinted(fmt.Errorf("recording %s was begun by %s, and this home does not sign its end; left alone", other.ID, clean(strings.Join(who, ", "))),
		"run sealtape recover with the SEALTAPE_HOME of that recorder; if it is gone, sealtape keys import takes its exported identity into another")
}

// upload copies one recording of the spool, and removes the local copy once every
// store has all of it.
func (s *sweep) upload(ctx context.Context, id string) (err error) {
	h, err := archive.HoldSpooled(s.spool, id)
	if errors.Is(err, archive.ErrBusy) {
		s.say("%s is being recorded or copied; left alone", id)
		return nil
	} else if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if kept, err := h.Kept(); kept || err != nil {
		return err
	}
	if store, err := h.Store(); err != nil {
		return err
	} else if store != s.store {
		these := "this store"
		if len(s.dst) > 1 {
			these = "these stores together"
		}
		s.warn("%s is not for %s but for %s; left alone: recover it with --store for each of those, or --adopt it", id, these, cmp.Or(clean(store), "one that is not noted"))
		return nil
	}
	rec, err := archive.Open(ctx, s.src, id, archive.Options{Verifiers: s.verifiers})
	if err != nil {
		return err
	}
	head := rec.Head()
	if !head.State.Final() {
		return nil // it could not be recovered, and that was told
	}
	// Copy returns once the store confirmed size and hash of every object.
	all := newSpoolCopies(s.dst, s.src, s.spool, id, s.key, s.keep, s.warn)
	stored, finish := s.bar(head.Size * int64(len(s.dst)))
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
	if errors.Is(err, archive.ErrElsewhere) {
		return hinted(err, "name the store that it was recorded to, which has what is missing here")
	} else if err != nil {
		return err
	}
	// What could not be removed one by one can still be removed with the folder.
	if err := all.endLocal(h, s.keep); err != nil {
		return errors.Join(err, all.notReleased())
	}
	if s.keep {
		s.say("%s is in the store (%s), local copy kept", id, count(int(head.Size), "object"))
	} else {
		s.say("%s is in the store (%s), local copy removed", id, count(int(head.Size), "object"))
	}
	return nil
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

// sweep finishes, beside the recording, what earlier ones left in the spool. What
// fails is told and is for another time. end stops it and waits for it.
func (r *recording) sweep(ctx context.Context, src archive.Store, spool, live string) (end func()) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		verifiers, err := r.home.Recorders()
		if err != nil {
			r.log.Warn("earlier recordings stay in the spool", "err", err)
			return
		}
		s := &sweep{
			spool: spool, src: src, dst: retried(r.stores, archive.RetryConfig{}), store: r.storeID,
			key: r.key, verifiers: verifiers, keep: r.keepLocal, live: live,
			say:  func(format string, args ...any) { r.log.Info(fmt.Sprintf(format, args...)) },
			warn: func(format string, args ...any) { r.log.Warn(fmt.Sprintf(format, args...)) },
			bar:  func(int64) (stored, finish func()) { return func() {}, func() {} },
		}
		for _, err := range s.run(ctx) {
			if errors.Is(err, context.Canceled) {
				r.log.Warn("an earlier recording is not all in the store yet: sealtape recover, or the next record, goes on with it")
				continue
			}
			r.log.Warn("an earlier recording stays in the spool: sealtape recover says what can be done", "err", err)
		}
	}()
	return func() {
		stop()
		<-done
	}
}
