package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
)

// ErrPassed is in errors of a recording that cannot be imported as it is: it is passed over
// until it changes. An error without it is one of this machine or of the store, which
// another time may mend.
var ErrPassed = errors.New("it cannot be imported as it is")

// A Watcher hands the recordings of a folder, as they get complete, to who imports them.
type Watcher struct {
	Folder *Folder
	// Resume finishes what was begun before, and Import imports a recording, or finds
	// that it was imported. They are called one at a time, from Run, and again after
	// an error, unless that wraps ErrPassed or ingest.ErrChanged.
	Resume func(context.Context) error
	Import func(context.Context, Recording) error
	// Every is how often the folder is looked at. Least is how long the first wait after
	// an error is; each further one is twice as long, up to Most.
	Every, Least, Most time.Duration
	// Log takes no names. Failing, which may be nil, is called when the first of several
	// errors comes.
	Log     *slog.Logger
	Failing func(error)

	mu     sync.Mutex
	status Status
}

// A Status tells how a watcher does.
type Status struct {
	// Busy: something is being imported now.
	Busy bool
	// Waiting are recordings that are not complete, Due those that are to be imported.
	Waiting, Due int
	// Imported and Passed are how many recordings were, since it began; Passed counts
	// those that could not be imported.
	Imported, Passed int64
	// Failures is how often this machine or the store failed.
	Failures int64
	// Last is when something was imported last, Failing since when it fails. Zero: never
	// yet, and not now.
	Last, Failing time.Time
	// Looked is when the folder was looked at last.
	Looked time.Time
}

// patience is how long a watcher may fail until it is not well.
const patience = 5 * time.Minute

// Problems returns what is not well, a phrase each.
func (s Status) Problems(now time.Time) (all []string) {
	if !s.Failing.IsZero() && now.Sub(s.Failing) > patience {
		all = append(all, "importing has failed for "+now.Sub(s.Failing).Round(time.Second).String())
	}
	if !s.Busy && !s.Looked.IsZero() && now.Sub(s.Looked) > patience+time.Hour {
		all = append(all, "the folder was not looked at for "+now.Sub(s.Looked).Round(time.Second).String())
	}
	return all
}

// Status returns how it does. It may be called by any goroutine.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *Watcher) change(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}

// Run watches until ctx ends, and returns its error.
func (w *Watcher) Run(ctx context.Context) error {
	resumed, trouble := false, ""
	wait := time.Duration(0)
	for {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if !resumed {
			if err := w.Resume(ctx); err != nil {
				if wait, err = w.failed(ctx, err); err != nil {
					return err
				}
				continue
			}
			resumed = true
		}
		s, err := w.Folder.Look(time.Now())
		if text := errorText(err); text != trouble {
			if trouble = text; err != nil {
				w.Log.Warn("the folder cannot be looked at, or not all of it", "err", Reason(err))
			}
		}
		w.change(func(st *Status) { st.Looked, st.Waiting, st.Due = time.Now(), s.Waiting, len(s.Complete) })
		wait = w.Every
		if err := w.all(ctx, s.Complete); err != nil {
			if wait, err = w.failed(ctx, err); err != nil {
				return err
			}
			resumed = false
		}
	}
}

// all has recordings imported, one after the other, until one fails that is not to blame.
func (w *Watcher) all(ctx context.Context, recordings []Recording) error {
	for _, r := range recordings {
		if err := w.one(ctx, r); err != nil {
			return err
		}
		w.change(func(s *Status) { s.Due-- })
	}
	w.change(func(s *Status) { s.Failing = time.Time{} })
	return nil
}

// one has a recording imported. An error is not the recording's.
func (w *Watcher) one(ctx context.Context, r Recording) error {
	w.change(func(s *Status) { s.Busy = true })
	defer w.change(func(s *Status) { s.Busy = false })
	err := w.Import(ctx, r)
	switch {
	case err == nil:
		w.Folder.Done(r)
		w.change(func(s *Status) { s.Failing = time.Time{} })
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrPassed):
		w.Folder.Done(r)
		w.change(func(s *Status) { s.Passed++ })
	case errors.Is(err, ingest.ErrChanged):
		w.Log.Info("a recording has changed while it was imported; it waits until it is at rest again")
	default:
		return err
	}
	return nil
}

// Imported counts a recording that the store has confirmed.
func (w *Watcher) Imported() {
	w.change(func(s *Status) { s.Imported, s.Last = s.Imported+1, time.Now() })
}

// failed tells of an error that another time may mend, and returns for how long to wait.
func (w *Watcher) failed(ctx context.Context, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	first := false
	w.change(func(s *Status) {
		s.Failures++
		if first = s.Failing.IsZero(); first {
			s.Failing = time.Now()
		}
	})
	wait := w.backoff()
	w.Log.Warn("importing failed; what was recorded is safe where it is", "err", Reason(err), "again in", wait.String())
	if first && w.Failing != nil {
		w.Failing(err)
	}
	return wait, nil
}

// backoff returns how long to wait: as long as it has failed until now, in bounds.
func (w *Watcher) backoff() time.Duration {
	s := w.Status()
	return min(max(time.Since(s.Failing), w.Least), w.Most)
}

// Reason returns an error without the name of the file that it is of, for a log.
func Reason(err error) error {
	var of *ingest.FileError
	var at *fs.PathError
	switch {
	case errors.As(err, &of):
		return Reason(of.Err)
	case errors.As(err, &at):
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	}
	return err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
