package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
	"github.com/sealtape/sealtape/internal/words"
)

// ProbeTime is how long trying a store may take. It is some forty requests.
const ProbeTime = 2 * time.Minute

// A StoreError reports that a store is not fit for a recording. Err is why, and Remedy
// what to do about it.
type StoreError struct {
	Err    error
	Remedy string
}

func (e *StoreError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *StoreError) Unwrap() error { return e.Err }

// tryStores checks whether the stores will take a recording, as doctor does, and logs
// what they do less well. A server that answers only when it is asked again is fit.
func (b *Bot) tryStores(ctx context.Context) error {
	for _, s := range b.c.Stores {
		if err := b.tryStore(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bot) tryStore(ctx context.Context, s Store) error {
	probing, cancel := context.WithTimeout(ctx, ProbeTime)
	defer cancel()
	checks, err := storecheck.Run(probing, archive.Retry(s.Store, archive.RetryConfig{Attempts: 5}))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	which := "the store"
	if len(b.c.Stores) > 1 {
		which += " " + words.Clean(s.Name)
	}
	for _, c := range checks {
		switch c.Verdict {
		case storecheck.Failed:
			return &StoreError{fmt.Errorf("nothing was recorded, %s is not fit for it: %s: %w", which, c.Name, c.Err), c.Remedy}
		case storecheck.Limited:
			b.log.Warn("the store does less than it could", "check", c.Name, "err", c.Err, "hint", c.Remedy)
		}
	}
	if err != nil {
		return &StoreError{fmt.Errorf("nothing was recorded, %s did not answer within %v: %w", which, ProbeTime, err), "check the network between here and the store"}
	}
	return nil
}
