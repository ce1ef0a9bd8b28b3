package webhook

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Sweep delivers what earlier processes left in c.Dir, of each recording in order, and what
// another process delivers is left to it. It goes on until nothing is left or ctx ends; with
// once, it tries each recording's next event once. It returns how many events were taken.
func Sweep(ctx context.Context, c Config, once bool) (taken int, err error) {
	if c, err = c.complete(); err != nil {
		return 0, err
	}
	client := newClient()
	for failures := 0; ; {
		n, left, err := c.sweep(ctx, client)
		taken += n
		if err != nil || left == 0 || once {
			return taken, err
		}
		if failures++; n > 0 {
			failures = 1
		}
		if err := sleep(ctx, c.Wait(failures)); err != nil {
			return taken, nil // whoever comes next goes on
		}
	}
}

// sweep makes one pass. left is how many recordings have events that were not taken.
func (c *Config) sweep(ctx context.Context, client *http.Client) (taken, left int, err error) {
	ids, err := queued(c.Dir)
	if err != nil {
		return 0, 0, err
	}
	for _, id := range ids[:max(0, len(ids)-maxQueues)] {
		c.Log.Warn("events for the webhook are dropped: too many recordings have some", "recording", id)
		if err := os.RemoveAll(filepath.Join(c.Dir, id)); err != nil {
			return 0, 0, err
		}
	}
	var failed []error
	for _, id := range ids[max(0, len(ids)-maxQueues):] {
		q, err := openQueue(c.Dir, id)
		if errors.Is(err, errHeld) {
			continue
		} else if err != nil {
			failed = append(failed, err)
			continue
		}
		n, whole, err := c.sweepQueue(ctx, client, q)
		if taken += n; !whole {
			left++
		}
		failed = append(failed, err, q.close())
		if ctx.Err() != nil {
			return taken, left, nil
		}
	}
	return taken, left, errors.Join(failed...)
}

// sweepQueue delivers the events of one recording up to the first that is not taken. whole
// reports that there is none.
func (c *Config) sweepQueue(ctx context.Context, client *http.Client, q *queue) (taken int, whole bool, err error) {
	for {
		w, ok, err := q.first()
		if err != nil || !ok {
			return taken, err == nil, err
		}
		switch err := c.post(ctx, client, w); {
		case ctx.Err() != nil:
			return taken, false, nil
		case err == nil:
			taken++
		case errors.Is(err, errGone), time.Since(w.at) > maxAge:
			c.Log.Warn("an event for the webhook is dropped", "id", w.id, "err", err)
		default:
			c.Log.Warn("the webhook does not take an event of an earlier recording, which waits", "err", err)
			return taken, false, nil
		}
		if err := q.remove(w); err != nil {
			return taken, false, err
		}
	}
}
