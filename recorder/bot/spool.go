package bot

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/words"
)

// A spoolCopy copies one recording from the spool to one store. An object that is
// damaged in the spool is moved aside, and the rest goes on.
type spoolCopy struct {
	*archive.Copier
	from copySource
	to   string // the store's name, where there are several

	mu   sync.Mutex
	bad  []string // names of what was passed over
	ours bool     // of something passed over the spool has the only good copy
}

// newSpoolCopy returns what copies to dst. The recorder's key lets the store's copy grow,
// and the local one shrink, in the middle of a long pass, and puts right what others put
// in its place.
func newSpoolCopy(dst archive.Store, from copySource) *spoolCopy {
	// A file that the disk cannot read is read again for some seconds. Then it is
	// bad, and no reason to hold up the others.
	src := archive.Retry(from.store, archive.RetryConfig{Attempts: 5, Max: 2 * time.Second})
	c := &spoolCopy{Copier: archive.NewCopier(dst, src, from.id), from: from}
	c.Signer, c.Own = from.key.Signer, from.key.Own
	c.OnTaken = func(name string) {
		from.warn("someone who can write to the store had put something else under the name of %s/%s; it was overwritten by what was recorded", from.id, name)
	}
	c.OnBad = func(b *archive.BadObjectError) error {
		if err := archive.QuarantineSpooled(from.spool, b); err != nil {
			return err
		}
		taken := errors.Is(b, archive.ErrConflict)
		if taken {
			from.warn("the store has something else under the name of %s/%s; the rest goes on without it", from.id, b.Name)
		} else {
			from.warn("%s/%s is damaged on this disk (%v); the rest goes on without it", from.id, b.Name, b.Err)
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

// A LackError says which objects of a recording a store has not got, and never
// will. All else is stored and can be read.
type LackError struct {
	ID      string
	Objects []string // their names in the log
	// Kept is set where the local copy, in Where, is left as it is for them. Else
	// what is left of them is in Where.
	Kept  bool
	Where string
	// Others is set where there are other stores, which may have them.
	Others bool
}

func (e *LackError) Error() string {
	return fmt.Sprintf("the store lacks %s of recording %s: %s", words.Count(len(e.Objects), "object"), e.ID, strings.Join(e.Objects[:min(len(e.Objects), 5)], ", "))
}

// lacks returns a *LackError if the store has not got something and never will. The
// local copy may have been kept for it.
func (c *spoolCopy) lacks(kept bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bad) == 0 {
		return nil
	}
	e := &LackError{ID: c.from.id, Objects: c.bad, Kept: kept, Where: filepath.Join(c.from.spool, "quarantine", c.from.id), Others: c.to != ""}
	if kept {
		e.Where = filepath.Join(c.from.spool, c.from.id)
	}
	return e
}
