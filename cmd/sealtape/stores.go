package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sealtape/sealtape/archive"
	"github.com/urfave/cli/v2"
)

// A namedStore is one that a command was given.
type namedStore struct {
	archive.Store
	name string // as the command line has it
}

// storesFlag is storeFlag for what may go to several stores.
func storesFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name:    "store",
		EnvVars: []string{"SEALTAPE_STORE"},
		Usage:   "the archive: a folder or s3://bucket/prefix?settings, as `STORE`; repeat for more, each of which is to have all",
	}
}

// storeNames returns the stores that the command line, a file or the environment
// names.
func storeNames(c *cli.Context) []string {
	return slices.DeleteFunc(slices.Clone(c.StringSlice("store")), func(name string) bool { return name == "" })
}

// openStores opens the stores that are named, and returns what the notes of the
// spool call them together: the same in whatever order they are named.
func (e *env) openStores(ctx context.Context, names []string) (stores []namedStore, id string, err error) {
	if len(names) == 0 {
		names = []string{""} // openStore says that it is missing
	}
	for _, name := range names {
		s, err := e.openStore(ctx, name, true)
		if err != nil {
			return nil, "", err
		}
		stores = append(stores, namedStore{s, name})
	}
	id, err = storesID(names)
	return stores, id, err
}

// storesID is storeID of several stores together, each of which is named once.
func storesID(names []string) (string, error) {
	var ids []string
	for _, name := range names {
		id, err := storeID(name)
		if err != nil {
			return "", err
		}
		if slices.Contains(ids, id) {
			return "", usageError{fmt.Errorf("--store: %s is named twice", clean(name)), "sealtape"}
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " and "), nil
}

// retried returns stores that try again as c says.
func retried(stores []namedStore, c archive.RetryConfig) []namedStore {
	stores = slices.Clone(stores)
	for i := range stores {
		stores[i].Store = archive.Retry(stores[i].Store, c)
	}
	return stores
}

// The spoolCopies of a recording are those to all stores that are to have it. What
// all have leaves the spool.
type spoolCopies struct {
	each []*spoolCopy

	mu         sync.Mutex
	have       map[string]int // stores that have an object under their head, by its name, until all do
	unreleased error          // the first that could not be removed from the spool
}

// newSpoolCopies copies the recording id from the spool to the stores. Unless keep
// is set, what all have is removed from the spool.
func newSpoolCopies(to []namedStore, src archive.Store, spool, id string, key recorderKey, keep bool, warn func(format string, args ...any)) *spoolCopies {
	all := &spoolCopies{have: make(map[string]int)}
	for _, s := range to {
		c := newSpoolCopy(s.Store, src, spool, id, key, warn)
		if len(to) > 1 {
			c.store = s.name
		}
		if !keep {
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
	if err := archive.ReleaseSpooled(c.spool, c.id, free); err != nil && all.unreleased == nil {
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
			if errs[i] = f(c); errs[i] != nil && c.store != "" {
				errs[i] = fmt.Errorf("%s: %w", clean(c.store), errs[i])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// endLocal ends the local life of a recording of which each store has all it will
// get: it is removed, or kept. The error tells of what stores have not got.
func (all *spoolCopies) endLocal(h *archive.Spooled, keep bool) error {
	ours := slices.ContainsFunc(all.each, (*spoolCopy).keepsOurs)
	var err error
	switch {
	case ours: // it stays, for another try once the store was mended
	case keep:
		err = h.Keep()
	default:
		err = h.Remove()
	}
	if err != nil {
		err = fmt.Errorf("recording %s is in the store, but its local copy could not be removed or marked: %w", all.each[0].id, err)
	}
	return errors.Join(err, all.do(func(c *spoolCopy) error { return c.lacks(ours) }))
}
