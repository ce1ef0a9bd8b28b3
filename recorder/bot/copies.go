package bot

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/words"
)

// A Store is one of those that are to have a recording.
type Store struct {
	archive.Store
	// Name is what it is called, a folder's path or s3://bucket/prefix: for people,
	// where there are several, and in the notes of the spool. Members are told whether
	// it is a bucket.
	Name string
}

// Retry returns stores that try again as c says.
func Retry(stores []Store, c archive.RetryConfig) []Store {
	stores = slices.Clone(stores)
	for i := range stores {
		stores[i].Store = archive.Retry(stores[i].Store, c)
	}
	return stores
}

// A copySource is a recording of the spool that is to be copied, and how.
type copySource struct {
	spool, id string                           // the folder, and the recording in it
	store     archive.Store                    // the same folder, as a store
	key       Signer                           // of its recorder
	keep      bool                             // it stays in the spool when the stores have it
	warn      func(format string, args ...any) // tells of what is lost, or was put right
}

// The spoolCopies of a recording are those to all stores that are to have it. What
// all have leaves the spool, unless it is to be kept.
type spoolCopies struct {
	from copySource
	each []*spoolCopy

	mu         sync.Mutex
	have       map[string]int // stores that have an object under their head, by its name, until all do
	unreleased error          // the first that could not be removed from the spool
}

func newSpoolCopies(to []Store, from copySource) *spoolCopies {
	all := &spoolCopies{from: from, have: make(map[string]int)}
	for _, s := range to {
		c := newSpoolCopy(s.Store, from)
		if len(to) > 1 {
			c.to = s.Name
		}
		if !from.keep {
			c.OnHead = func(stored []archive.Entry) { all.release(c, stored) }
		}
		all.each = append(all.each, c)
	}
	return all
}

// release removes from the spool those objects that c's store was the last to
// have.
func (all *spoolCopies) release(c *spoolCopy, stored []archive.Entry) {
	if c.keepsOurs() {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	var free []archive.Entry
	for _, e := range stored {
		if all.have[e.Name]++; all.have[e.Name] == len(all.each) {
			delete(all.have, e.Name)
			free = append(free, e)
		}
	}
	if err := archive.ReleaseSpooled(all.from.spool, all.from.id, free); err != nil && all.unreleased == nil {
		all.unreleased = err
	}
}

// notReleased returns the first error of release.
func (all *spoolCopies) notReleased() error {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.unreleased
}

// do calls f for each copy, all at once: none waits for another's store. An error
// is told with its store.
func (all *spoolCopies) do(f func(*spoolCopy) error) error {
	errs := make([]error, len(all.each))
	var wg sync.WaitGroup
	for i, c := range all.each {
		wg.Go(func() {
			if errs[i] = f(c); errs[i] != nil && c.to != "" {
				errs[i] = fmt.Errorf("%s: %w", words.Clean(c.to), errs[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// endLocal ends the local life of a recording of which each store has all it will
// get: it is removed, or kept. The error tells of what stores have not got.
func (all *spoolCopies) endLocal(h *archive.Spooled) error {
	ours := slices.ContainsFunc(all.each, (*spoolCopy).keepsOurs)
	var err error
	switch {
	case ours: // it stays, for another try once the store was mended
	case all.from.keep:
		err = h.Keep()
	default:
		err = h.Remove()
	}
	if err != nil {
		err = fmt.Errorf("recording %s is in the store, but its local copy could not be removed or marked: %w", all.from.id, err)
	}
	return errors.Join(err, all.do(func(c *spoolCopy) error { return c.lacks(ours) }))
}
