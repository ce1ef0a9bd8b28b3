package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// retryPause is how long the uploader leaves a store alone that refused in a
// way that trying again at once will not mend.
const retryPause = 15 * time.Second

// The uploads of a recording are those to its stores, side by side.
type uploads struct {
	each   []*uploader
	copies *spoolCopies
}

// newUploads returns what copies to all stores, and to each goes on whenever there is
// more. Unless it is to be kept, it removes from the spool what all have, so that a long
// meeting does not need the disk for all. What it takes out of the backlog, b knows.
func newUploads(to []Store, from copySource, grown growth, b *backlog, log *slog.Logger) *uploads {
	var all uploads
	dst := slices.Clone(to)
	for i, s := range to {
		u := &uploader{log: log, grown: grown[i]}
		if len(to) > 1 {
			u.log = log.With("store", s.Name)
		}
		dst[i].Store = archive.Retry(s.Store, archive.RetryConfig{OnRetry: func(_ string, err error, _ time.Duration) { u.fail(err) }})
		all.each = append(all.each, u)
	}
	from.warn = func(text string, args ...any) { log.Warn(fmt.Sprintf(text, args...)) }
	all.copies = newSpoolCopies(dst, from)
	for i, u := range all.each {
		u.copier = all.copies.each[i]
		u.copier.OnStored = func(e archive.Entry) { b.stored(e.Name) }
		pass := u.copier.OnBad
		u.copier.OnBad = func(bad *archive.BadObjectError) error {
			err := pass(bad)
			if err == nil {
				b.lacked(bad.Name)
			}
			return err
		}
		u.unreleased = all.copies.notReleased
	}
	return &all
}

// run copies what there is, as it grows, until ctx ends.
func (all *uploads) run(ctx context.Context) {
	var running sync.WaitGroup
	for _, u := range all.each {
		running.Go(func() { u.run(ctx) })
	}
	running.Wait()
}

// finish makes one more pass to each store, side by side. Once ctx has ended, an error
// says why a store did not take all, and not that nobody waited.
func (all *uploads) finish(ctx context.Context) error {
	of := make(map[*spoolCopy]*uploader)
	for _, u := range all.each {
		of[u.copier] = u
	}
	return all.copies.do(func(c *spoolCopy) error {
		err := of[c].pass(ctx)
		if err != nil && ctx.Err() != nil {
			return of[c].cause()
		}
		return err
	})
}

// failed reports whether the last pass to some store failed.
func (all *uploads) failed() bool {
	return slices.ContainsFunc(all.each, func(u *uploader) bool { return u.why.Load() != nil })
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
	grown  chan struct{}         // has a value when there is more
	why    atomic.Pointer[error] // the last pass failed for this; nil: it did not

	refused    atomic.Bool  // it was told that the store refuses for good
	unreleased func() error // why something could not be removed from the spool
	told       bool         // of that; run's
}

// A growth has, for each store, a value when there is more to upload.
type growth []chan struct{}

func newGrown(stores int) growth {
	g := make(growth, stores)
	for i := range g {
		g[i] = make(chan struct{}, 1)
	}
	return g
}

func (g growth) signal() {
	for _, c := range g {
		signalTo(c)
	}
}

// signalTo puts a value into c, which has room for one, unless one is there.
func signalTo(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (u *uploader) run(ctx context.Context) {
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
		if u.why.Swap(nil) != nil {
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
	if u.why.Swap(&err) == nil || errors.Is(err, archive.ErrRefused) && !u.refused.Swap(true) {
		u.log.Warn("the store does not take the recording; it waits in the spool", "err", err)
	}
}

// errNoAnswer is of a store that took its time and told of no failure.
var errNoAnswer = errors.New("it did not take all in time")

// cause returns why the store does not take what is left.
func (u *uploader) cause() error {
	if why := u.why.Load(); why != nil {
		return *why
	}
	return errNoAnswer
}
