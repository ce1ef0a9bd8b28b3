package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// A RetryConfig says how Retry tries again. The zero value never gives up while
// the context lasts.
type RetryConfig struct {
	// Attempts is how often a call is tried in all. 0 means until its context
	// ends. A Get or List that made progress starts counting anew.
	Attempts int
	// Alone is how often one object is asked for in all while the store gives
	// others: a fault that they do not share is no outage. 0 means 6, which takes
	// some seconds. The error then wraps ErrUnreadable.
	Alone int
	// Min is the wait after the first failure. Each further failure doubles it,
	// up to Max. The actual wait is random, between half of that and all of it,
	// so that many recorders do not return to a recovering store at once. A Min
	// of 0 means 200 ms, a Max of 0 means 30 s, and a Max below Min means Min.
	Min, Max time.Duration
	// OnRetry, if not nil, is called before each wait, with the object's name
	// (the prefix for List, "" for Prefixes). It may be called concurrently and
	// must not block.
	OnRetry func(name string, err error, wait time.Duration)
}

// Retry returns a Store that repeats what failed in s, as long as another try may
// help. It does not repeat after fs.ErrNotExist, fs.ErrInvalid, ErrConflict,
// ErrMismatch, ErrSource, ErrNoStore, ErrDenied, ErrRefused or a *RetainedError,
// nor once the context has ended. It does not repeat for ever if the store gives
// other objects than the one to be read: see RetryConfig.Alone. A full disk may be
// emptied and a network may come back; but a spool file that cannot be read must
// not delay those after it. Nothing else in this package sleeps.
//
// If a reader from Get breaks, Retry continues where it broke. If a List breaks,
// it continues after the last name that was yielded. So each byte and each name
// comes once. An object that is replaced in the middle may give bytes of both
// contents: one more reason not to trust what was read.
func Retry(s Store, c RetryConfig) Store {
	if c.Min <= 0 {
		c.Min = 200 * time.Millisecond
	}
	if c.Max <= 0 {
		c.Max = 30 * time.Second
	}
	c.Max = max(c.Max, c.Min)
	c.Alone = cmp.Or(c.Alone, 6)
	r := &retryStore{s, c}
	if d, ok := s.(Digester); ok {
		return retryDigester{r, d}
	}
	return r
}

type retryStore struct {
	store  Store
	config RetryConfig
}

func (s *retryStore) Put(ctx context.Context, name string, b Blob) error {
	return s.do(ctx, name, func() error { return s.store.Put(ctx, name, b) })
}

func (s *retryStore) Delete(ctx context.Context, name string) error {
	return s.do(ctx, name, func() error { return s.store.Delete(ctx, name) })
}

func (s *retryStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	r := &retryReader{ctx: ctx, store: s, tries: s.newTries(name), off: off, n: n}
	r.tries.givesOthers = s.givesOthers
	if err := r.tries.do(ctx, r.open); err != nil {
		return nil, err
	}
	return r, nil
}

func (s *retryStore) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return resume(ctx, s, prefix, func() iter.Seq2[Info, error] {
		return s.store.List(ctx, prefix)
	}, func(info Info) string { return info.Name })
}

func (s *retryStore) Stat(ctx context.Context, name string) (info Info, err error) {
	t := s.newTries(name)
	t.givesOthers = s.givesOthers
	err = t.do(ctx, func() (err error) {
		info, err = s.store.Stat(ctx, name)
		return err
	})
	return info, err
}

func (s *retryStore) Purge(ctx context.Context, prefix string) error {
	return s.do(ctx, prefix, func() error { return s.store.Purge(ctx, prefix) })
}

func (s *retryStore) Limits() Limits { return s.store.Limits() }

func (s *retryStore) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	return resume(ctx, s, "", func() iter.Seq2[string, error] {
		return s.store.Prefixes(ctx)
	}, func(name string) string { return name + "/" }) // the order of List
}

// resume yields what list yields. After an error it lists again, and leaves out
// what was yielded: everything up to the last key, since listings are ordered.
func resume[T any](ctx context.Context, s *retryStore, name string, list func() iter.Seq2[T, error], key func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last := ""
		var failed error
		t := s.newTries(name)
		t.givesOthers = func(ctx context.Context, prefix string) bool {
			return isDefect(failed) && s.givesHead(ctx, prefix)
		}
		for {
			failed = nil
			for v, err := range bounded(list(), math.MaxInt, key, "") {
				if err != nil {
					failed = err
					break
				}
				if k := key(v); k > last {
					last = k
					t.count = 0
					if !yield(v, nil) {
						return
					}
				}
			}
			if failed == nil {
				return
			}
			if err := t.wait(ctx, failed); err != nil {
				var zero T
				yield(zero, err)
				return
			}
		}
	}
}

// do calls f until it returns nil or a final error.
func (s *retryStore) do(ctx context.Context, name string, f func() error) error {
	return s.newTries(name).do(ctx, f)
}

// do is the do of one call.
func (t *tries) do(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		if err := t.wait(ctx, err); err != nil {
			return err
		}
	}
}

// tries counts the failures of one call since it last got further.
type tries struct {
	RetryConfig
	name  string
	count int

	// givesOthers, of a call that reads, reports whether others are given.
	givesOthers func(ctx context.Context, name string) bool
}

func (s *retryStore) newTries(name string) *tries {
	return &tries{RetryConfig: s.config, name: name}
}

// wait sleeps before the next try and returns nil. If there is to be no further
// try, it returns the error for the caller.
func (t *tries) wait(ctx context.Context, err error) error {
	if ctx.Err() != nil || isFinal(err) {
		return err
	}
	t.count++
	if t.Attempts > 0 && t.count >= t.Attempts {
		if t.count > 1 {
			return fmt.Errorf("gave up after %d attempts: %w", t.count, err)
		}
		return err
	}
	if t.givesOthers != nil && t.count >= t.Alone && t.givesOthers(ctx, t.name) {
		return fmt.Errorf("%w, at %d attempts: %w", ErrUnreadable, t.count, err)
	}
	d := t.Min
	for n := 1; n < t.count && d < t.Max; n++ {
		d = min(2*d, t.Max)
	}
	d -= rand.N(d/2 + 1) // not a secret: chance only spreads the load
	if t.OnRetry != nil {
		t.OnRetry(t.name, err, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting after: %w", ctx.Err(), err)
	}
}

// isFinal reports whether another try would fail alike. context.DeadlineExceeded
// is not final as such: a network's own timeouts match it too. The caller's
// deadline is seen by the caller's context.
func isFinal(err error) bool {
	for _, final := range []error{
		fs.ErrNotExist, fs.ErrInvalid, ErrConflict, ErrMismatch, ErrSource, ErrNoStore, ErrDenied, ErrRefused, ErrNotListed, ErrTooLarge, ErrUnreadable, errListing, context.Canceled,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	var retained *RetainedError
	return errors.As(err, &retained)
}

// retryReader reads a range of an object over several Gets. Like any reader it
// is for one goroutine.
type retryReader struct {
	ctx    context.Context
	store  *retryStore
	tries  *tries
	off, n int64         // what is left to read; n < 0 means to the end
	r      io.ReadCloser // nil while broken
	broken error         // the error that broke r
	err    error         // the error that ended the whole read
}

// open opens a reader for what is left.
func (r *retryReader) open() error {
	src, err := r.store.store.Get(r.ctx, r.tries.name, r.off, r.n)
	if err == nil {
		r.r = src
	}
	return err
}

func (r *retryReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.err == nil {
		if r.r == nil {
			if r.err = r.tries.wait(r.ctx, r.broken); r.err != nil {
				break
			}
			if err := r.open(); err != nil {
				r.broken = err
				continue
			}
		}
		n, err := r.r.Read(p)
		if n > 0 {
			r.tries.count = 0
			r.off += int64(n)
			if r.n >= 0 {
				r.n = max(0, r.n-int64(n))
			}
		}
		switch {
		case err == nil:
			return n, nil
		case err == io.EOF, r.n == 0: // all was read, so later errors do not matter
			r.err = io.EOF
			return n, io.EOF
		}
		r.r.Close() // the error that matters is the one from reading
		r.r, r.broken = nil, err
		if n > 0 {
			return n, nil
		}
	}
	return 0, r.err
}

func (r *retryReader) Close() error {
	if r.r == nil {
		return nil
	}
	return r.r.Close()
}
