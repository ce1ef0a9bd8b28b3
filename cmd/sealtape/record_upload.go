package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// retryPause is how long the uploader leaves a store alone that refused in a
// way that trying again at once will not mend.
const retryPause = 15 * time.Second

// tryStore finds out whether the store will take a recording, by the checks that
// doctor makes, and tells what it does less well. A server that has to be asked
// again now and then is no reason not to record.
func (r *recording) tryStore(ctx context.Context) error {
	probing, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	checks, err := storecheck.Run(probing, archive.Retry(r.store, archive.RetryConfig{Attempts: 5}))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, c := range checks {
		switch c.Verdict {
		case storecheck.Failed:
			return hinted(fmt.Errorf("nothing was recorded, the store is not fit for it: %s: %w", c.Name, c.Err), c.Remedy)
		case storecheck.Limited:
			r.log.Warn("the store does less than it could", "check", c.Name, "err", c.Err, "hint", c.Remedy)
		}
	}
	if err != nil {
		return hinted(fmt.Errorf("nothing was recorded, the store did not answer within %v: %w", probeTime, err), "check the network between here and the store")
	}
	return nil
}

// An uploader copies a recording to the store while it grows.
type uploader struct {
	copier *spoolCopy
	log    *slog.Logger
	grown  chan struct{} // has a value when there is more
	done   chan struct{}
	failed atomic.Bool // the last pass failed

	refused atomic.Bool // it was told that the store refuses for good

	unreleased atomic.Bool // something could not be removed from the spool
}

// startUpload begins to copy, and goes on each time grown has a value, until
// ctx ends; then it closes done. Unless keep is set, it removes from the spool
// what the store has, so that a long meeting does not need the disk for all.
// What it takes out of the backlog, b knows.
func startUpload(ctx context.Context, dst, src archive.Store, spool, id string, key recorderKey, keep bool, grown chan struct{}, b *backlog, log *slog.Logger) *uploader {
	u := &uploader{log: log, grown: grown, done: make(chan struct{})}
	dst = archive.Retry(dst, archive.RetryConfig{OnRetry: func(_ string, err error, _ time.Duration) { u.fail(err) }})
	u.copier = newSpoolCopy(dst, src, spool, id, key, func(text string, args ...any) { log.Warn(fmt.Sprintf(text, args...)) })
	u.copier.OnStored = func(e archive.Entry) { b.stored(e.Name, true) }
	pass := u.copier.OnBad
	u.copier.OnBad = func(bad *archive.BadObjectError) error {
		err := pass(bad)
		if err == nil {
			b.stored(bad.Name, false)
		}
		return err
	}
	if !keep {
		u.copier.OnHead = func(stored []archive.Entry) {
			if u.copier.keepsOurs() {
				return
			}
			if err := archive.ReleaseSpooled(spool, id, stored); err != nil && !u.unreleased.Swap(true) {
				log.Warn("the spool grows: what the store has could not be removed from it", "err", err)
			}
		}
	}
	go u.run(ctx)
	return u
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
		if err := u.pass(ctx); err != nil {
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

// waiting is how many objects the store has not confirmed yet.
func (u *uploader) waiting() int { return u.copier.Pending() }
