package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// retryPause is how long the uploader leaves a store alone that refused in a
// way that trying again at once will not mend.
const retryPause = 15 * time.Second

// tryStores finds out whether the stores will take a recording, by the checks that
// doctor makes, and tells what they do less well. A server that has to be asked
// again now and then is no reason not to record.
func (r *recording) tryStores(ctx context.Context) error {
	for _, s := range r.stores {
		if err := r.tryStore(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *recording) tryStore(ctx context.Context, s namedStore) error {
	probing, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	checks, err := storecheck.Run(probing, archive.Retry(s.Store, archive.RetryConfig{Attempts: 5}))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	which := "the store"
	if len(r.stores) > 1 {
		which += " " + clean(s.name)
	}
	for _, c := range checks {
		switch c.Verdict {
		case storecheck.Failed:
			return hinted(fmt.Errorf("nothing was recorded, %s is not fit for it: %s: %w", which, c.Name, c.Err), c.Remedy)
		case storecheck.Limited:
			r.log.Warn("the store does less than it could", "check", c.Name, "err", c.Err, "hint", c.Remedy)
		}
	}
	if err != nil {
		return hinted(fmt.Errorf("nothing was recorded, %s did not answer within %v: %w", which, probeTime, err), "check the network between here and the store")
	}
	return nil
}

// The uploads of a recording are those to its stores, side by side.
type uploads struct {
	each   []*uploader
	copies *spoolCopies
}

// startUploads begins to copy to all stores, and to each goes on each time its
// channel in grown has a value, until ctx ends. Unless keep is set, it removes from
// the spool what all have, so that a long meeting does not need the disk for all.
// What it takes out of the backlog, b knows.
func startUploads(ctx context.Context, to []namedStore, src archive.Store, spool, id string, key recorderKey, keep bool, grown []chan struct{}, b *backlog, log *slog.Logger) *uploads {
	var all uploads
	dst := slices.Clone(to)
	for i, s := range to {
		u := &uploader{log: log, grown: grown[i], done: make(chan struct{})}
		if len(to) > 1 {
			u.log = log.With("store", s.name)
		}
		dst[i].Store = archive.Retry(s.Store, archive.RetryConfig{OnRetry: func(_ string, err error, _ time.Duration) { u.fail(err) }})
		all.each = append(all.each, u)
	}
	all.copies = newSpoolCopies(dst, src, spool, id, key, keep, func(text string, args ...any) { log.Warn(fmt.Sprintf(text, args...)) })
	for i, u := range all.each {
		u.copier = all.copies.each[i]
		u.copier.OnStored = func(e archive.Entry) { b.stored(e.Name, true) }
		pass := u.copier.OnBad
		u.copier.OnBad = func(bad *archive.BadObjectError) error {
			err := pass(bad)
			if err == nil {
				b.stored(bad.Name, false)
			}
			return err
		}
		u.unreleased = all.copies.notReleased
		go u.run(ctx)
	}
	return &all
}

// wait returns once all have ended.
func (all *uploads) wait() {
	for _, u := range all.each {
		<-u.done
	}
}

// finish makes one more pass to each store, side by side.
func (all *uploads) finish(ctx context.Context) error {
	of := make(map[*spoolCopy]*uploader)
	for _, u := range all.each {
		of[u.copier] = u
	}
	return all.copies.do(func(c *spoolCopy) error { return of[c].pass(ctx) })
}

// failed reports whether the last pass to some store failed.
func (all *uploads) failed() bool {
	return slices.ContainsFunc(all.each, func(u *uploader) bool { return u.failed.Load() })
}

// waiting is how many objects a store has not confirmed yet, the one that lags
// most.
func (all *uploads) waiting() (n int) {
	for _, u := range all.each {
		n = max(n, u.copier.Pending())
	}
	return n
}

// An uploader copies a recording to one store while it grows.
type uploader struct {
	copier *spoolCopy
	log    *slog.Logger
	grown  chan struct{} // has a value when there is more
	done   chan struct{}
	failed atomic.Bool // the last pass failed

	refused    atomic.Bool  // it was told that the store refuses for good
	unreleased func() error // why something could not be removed from the spool
	told       bool         // of that; run's
}

// signalTo puts a value into c, which has room for one, unless one is there.
func signalTo(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (u *uploader) run(ctx context.Context) {
	defer close(u.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.grown:
		}
		err := u.pass(ctx)
		if err := u.unreleased(); err != nil && !u.told {
			u.told = true
			u.log.Warn("the spool grows: what the store has could not be removed from it", "err", err)
		}
		if err != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryPause):
				signalTo(u.grown)
			}
		}
	}
}

func (u *uploader) pass(ctx context.Context) error {
	err := u.copier.Copy(ctx)
	switch {
	case err == nil:
		if u.failed.Swap(false) {
			u.log.Info("the store takes the recording again")
		}
	case errors.Is(err, context.Canceled):
	default:
		u.fail(err)
	}
	return err
}

// fail tells that the store failed, once, and again where it refuses for good,
// which is the real cause then.
func (u *uploader) fail(err error) {
	if !u.failed.Swap(true) || errors.Is(err, archive.ErrRefused) && !u.refused.Swap(true) {
		u.log.Warn("the store does not take the recording; it waits in the spool", "err", err)
	}
}
