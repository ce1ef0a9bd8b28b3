package bot

import (
	"errors"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// A backlog is what was sealed and is not in the store yet: segments and
// indexes, which is nearly all there is.
type backlog struct {
	mu               sync.Mutex
	stores           int                // that are to have all
	waiting          map[string]waiting // by name in the log
	sealed, uploaded int64              // bytes
}

type waiting struct {
	object *archive.Object
	since  time.Time
	stores int // that have not got it
}

// A Backlog is what was sealed and not stored yet, as it stands. Sealed and Uploaded are counted in
// bytes from the recording's start.
type Backlog struct {
	Objects          int
	Bytes            int64
	Oldest           time.Duration // how long the oldest object has waited
	Sealed, Uploaded int64
}

func newBacklog(stores int) *backlog {
	return &backlog{stores: stores, waiting: make(map[string]waiting)}
}

// commit commits an object. It waits for the store from before that, for the
// uploader may be quicker than we are.
func (b *backlog) commit(o *archive.Object) error {
	b.mu.Lock()
	b.waiting[o.Name()] = waiting{o, time.Now(), b.stores}
	b.mu.Unlock()
	err := o.Commit()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && !errors.Is(err, archive.ErrUnlogged) {
		delete(b.waiting, o.Name())
		return err
	}
	b.sealed += o.Size()
	return err
}

// stored notes that an object is in one more store, lacked that one will never have it.
func (b *backlog) stored(name string) {
	if o, last := b.settled(name); last {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.uploaded += o.Size()
	}
}

func (b *backlog) lacked(name string) { b.settled(name) }

// settled notes that one store less is waited for, and reports whether it was the last.
func (b *backlog) settled(name string) (o *archive.Object, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, known := b.waiting[name]
	if !known {
		return nil, false // an epoch
	}
	if w.stores--; w.stores > 0 {
		b.waiting[name] = w
		return w.object, false
	}
	delete(b.waiting, name)
	return w.object, true
}

func (b *backlog) state(now time.Time) Backlog {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Backlog{Objects: len(b.waiting), Sealed: b.sealed, Uploaded: b.uploaded}
	for _, w := range b.waiting {
		s.Bytes += w.object.Size()
		s.Oldest = max(s.Oldest, now.Sub(w.since))
	}
	return s
}
