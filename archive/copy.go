package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"
)

// A BadObjectError says that an object could not be copied, and that trying
// again will not help: in the source it is missing, not what the log says, or on
// a place of the disk that cannot be read; or its name is taken in the
// destination (the error wraps ErrConflict).
type BadObjectError struct {
	ID, Name string
	Err      error
}

func (e *BadObjectError) Error() string {
	return fmt.Sprintf("could not copy %s/%s: %v", e.ID, e.Name, e.Err)
}
func (e *BadObjectError) Unwrap() error { return e.Err }

// headEach is how many objects a Copier with a Signer puts before a head.
const headEach = 64

// A Copier copies a recording from one store to another while it grows, without
// any key that opens it. The fields may be set before the first Copy. Its methods
// are safe for concurrent use; copies themselves run one after the other.
type Copier struct {
	// Parallel is how many objects are under way at once, each of them in
	// memory. Zero means 4.
	Parallel int

	// OnStored, if not nil, is called for each object of the log once dst has
	// confirmed its size and hash. Calls come one at a time, from goroutines of
	// Copy, and hold it up.
	OnStored func(Entry)

	// OnBad, if not nil, is asked about each object that is bad. If it returns
	// nil, the object is passed over for good: log and head are put, and readers
	// of the copy find that it is missing. Never for what another try may mend.
	// Any error keeps the head back, as a nil OnBad does, and Copy returns it.
	// Calls come one at a time.
	OnBad func(*BadObjectError) error

	// Signer, if not nil, signs open heads for the beginning of the log, so that
	// of a long pass dst has something to read, and OnHead is called, after each 64
	// objects. It must be what signed the head in src, or there are none. With an
	// object that is held back they end.
	Signer note.Signer

	// OnHead, if not nil, is called after dst has confirmed a head, with those
	// objects under it that dst confirmed and that no earlier call was given:
	// from now on the source could do without them. Called from Copy, which
	// waits for it.
	OnHead func([]Entry)

	dst, src Store
	id       string

	copying sync.Mutex     // held by Copy
	logs    map[string]int // lines of each log file in dst, guarded by copying
	head    Head           // the last that this Copier knows to be in dst, same

	mu    sync.Mutex
	lines []lineState // by line of the log
	count int         // how many of them do not wait
	size  int         // lines under the last head seen in src
}

// A lineState says how far an object has come.
type lineState uint8

const (
	lineWaits  lineState = iota
	lineStored           // confirmed in dst
	lineSigned           // and so is the head that names it
	linePassed           // bad, and passed over for good
)

// NewCopier returns a Copier of the recording id from src to dst.
func NewCopier(dst, src Store, id string) *Copier {
	return &Copier{dst: dst, src: src, id: id, logs: make(map[string]int)}
}

// Pending returns how many objects the last head seen names that are not
// confirmed in the destination, and were not passed over.
func (c *Copier) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size - c.count
}

// Copy makes one pass: it puts every object that the head in the source signs
// and that this Copier has not put yet, then the log, then the head itself. So
// what the destination's head names is always there. Bytes are compared with the
// log before they are sent, and never made anew: a pass after a failure, or by
// another Copier after a crash, sends the same.
//
// What the source lacks counts as put if the destination has it.
//
// An object that is bad is passed over, and the rest is copied, except for log
// and head, unless OnBad allows that; the error then wraps a *BadObjectError for
// each. Any other error ends the pass, and a later pass goes on from there. If the
// destination holds a larger head, or one that this does not continue, the error
// is a *RollbackError or *ForkError and nothing is overwritten.
func (c *Copier) Copy(ctx context.Context) error {
	c.copying.Lock()
	defer c.copying.Unlock()
	if err := c.pass(ctx); err != nil {
		return fmt.Errorf("copying recording %s: %w", c.id, err)
	}
	return nil
}

func (c *Copier) pass(ctx context.Context) error {
	if err := ValidID(c.id); err != nil {
		return err
	}
	msg, head, err := c.readHead(ctx, c.src)
	if err != nil {
		return err
	}
	if head == c.head {
		return nil
	}
	entries, _, err := readLog(ctx, c.src, head)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.size = len(entries)
	c.lines = append(c.lines, make([]lineState, max(0, len(entries)-len(c.lines)))...)
	c.mu.Unlock()

	old, err := c.checkHead(ctx, head, entries)
	if err != nil {
		return err
	}
	if c.Signer != nil && signedBy(msg, c.Signer) {
		if err := c.putBetween(ctx, entries, int(old.Size)); err != nil {
			return err
		}
	}
	bad, err := c.putObjects(ctx, entries, int(old.Size))
	if err = cmp.Or(err, errors.Join(bad...)); err != nil {
		return err
	}
	// The very same head is left alone: it may have more signatures there.
	if old == head {
		msg = nil
	}
	if err := c.putHead(ctx, entries, msg); err != nil {
		return err
	}
	c.head = head
	return nil
}

// putBetween puts the beginning of the log, and a head for it, again and again,
// but not all of it. The first signed lines are under the head in dst.
func (c *Copier) putBetween(ctx context.Context, entries []Entry, signed int) error {
	var t tree
	for i, e := range entries[:max(0, len(entries)-1)] {
		t.add(e)
		if n := i + 1; n > signed && n%headEach == 0 {
			bad, err := c.putObjects(ctx, entries[:n], signed)
			if err != nil || len(bad) > 0 {
				return err // what is bad is told in the end
			}
			msg, err := signHead(Head{ID: c.id, Size: t.size, Root: t.root(), State: StateOpen}, c.Signer)
			if err != nil {
				return err
			}
			if err := c.putHead(ctx, entries[:n], msg); err != nil {
				return err
			}
		}
	}
	return nil
}

// putHead puts the log of entries, whose objects are there, and then the head,
// unless msg is nil.
func (c *Copier) putHead(ctx context.Context, entries []Entry, msg []byte) error {
	if err := c.putLog(ctx, entries); err != nil {
		return err
	}
	if msg != nil {
		b := BytesBlob(msg)
		b.Replace = true
		if err := c.dst.Put(ctx, c.id+"/"+headName, b); err != nil {
			return fmt.Errorf("could not put the head: %w", err)
		}
	}
	c.signed(entries)
	return nil
}

// signed tells OnHead what the head in dst names since the last one.
func (c *Copier) signed(entries []Entry) {
	if c.OnHead == nil {
		return
	}
	var fresh []Entry
	c.mu.Lock()
	for i, e := range entries {
		if c.lines[i] == lineStored {
			c.lines[i] = lineSigned
			fresh = append(fresh, e)
		}
	}
	c.mu.Unlock()
	if len(fresh) > 0 {
		c.OnHead(fresh)
	}
}

func (c *Copier) readHead(ctx context.Context, s Store) ([]byte, Head, error) {
	msg, err := fetchHead(ctx, s, c.id)
	if err != nil {
		return nil, Head{}, err
	}
	h, err := readHead(msg, c.id)
	return msg, h, err
}

// checkHead compares head with the one in dst, which must not be ahead of it,
// and returns that one: zero if there is none.
func (c *Copier) checkHead(ctx context.Context, head Head, entries []Entry) (Head, error) {
	_, old, err := c.readHead(ctx, c.dst)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	} else if err != nil {
		return Head{}, fmt.Errorf("destination: %w", err)
	}
	err = checkFollows(old, head)
	if err == nil {
		err = checkGrown(&old, head, entries)
	}
	if err != nil {
		return Head{}, fmt.Errorf("the destination has another head: %w", err)
	}
	return old, nil
}

// putObjects puts what is not confirmed. An epoch is there before anything after
// it in the log is begun. The first signed lines are under the head in dst. It
// returns what holds the head back, for each object that is bad.
func (c *Copier) putObjects(ctx context.Context, entries []Entry, signed int) (bad []error, err error) {
	var mu sync.Mutex // guards bad and calls of OnStored and OnBad
	put := func(ctx context.Context, i int) error {
		state := lineStored
		err := c.putObject(ctx, entries[i], i < signed)
		var b *BadObjectError
		if errors.As(err, &b) {
			mu.Lock()
			defer mu.Unlock()
			if c.OnBad != nil {
				err = c.OnBad(b)
			}
			if err != nil {
				if len(bad) < 100 {
					bad = append(bad, err)
				}
				return nil
			}
			state = linePassed
		} else if err != nil {
			return err
		}
		c.mu.Lock()
		c.lines[i] = state
		c.count++
		c.mu.Unlock()
		if c.OnStored != nil && state == lineStored {
			mu.Lock()
			defer mu.Unlock()
			c.OnStored(entries[i])
		}
		return nil
	}

	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.parallel())
	for i, e := range entries {
		c.mu.Lock()
		done := c.lines[i] != lineWaits
		c.mu.Unlock()
		if done {
			continue
		}
		if gctx.Err() != nil {
			break
		}
		over := make(chan struct{})
		g.Go(func() error {
			defer close(over)
			return put(gctx, i)
		})
		if l, _ := parseName(e.Name); l.kind == Epoch {
			<-over
		}
	}
	// An error that ends the pass says more than those it passed over.
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return bad, ctx.Err()
}

func (c *Copier) parallel() int {
	if c.Parallel <= 0 {
		return 4
	}
	return c.Parallel
}

// putObject puts one object. It holds the object in memory, so that the bytes
// that were checked are the bytes that are sent. signed says that the head in dst
// names the object.
func (c *Copier) putObject(ctx context.Context, e Entry, signed bool) error {
	data, err := readEntry(ctx, c.src, c.id, e, MaxObject)
	if errors.Is(err, errHash) || isDefect(err) {
		// What is wrong for good is wrong twice.
		data, err = readEntry(ctx, c.src, c.id, e, MaxObject)
	}
	if isDefect(err) {
		err = &CorruptError{e.Name, err}
	}
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		there, thereErr := c.isThere(ctx, e, signed && errors.Is(err, fs.ErrNotExist))
		if there || thereErr != nil {
			return thereErr
		}
		return &BadObjectError{c.id, e.Name, corrupt.Err}
	} else if err != nil {
		return err
	}
	err = c.dst.Put(ctx, c.id+"/"+e.Name, hashedBlob(data, e.SHA256))
	if errors.Is(err, ErrConflict) {
		return &BadObjectError{c.id, e.Name, err}
	} else if err != nil {
		return fmt.Errorf("could not put %s: %w", e.Name, err)
	}
	return nil
}

// isThere reports whether dst has an object that src has not, or not any more.
// Its hash is compared, unless a Copier did so before it put a head that names
// the object, and src let go of it since.
func (c *Copier) isThere(ctx context.Context, e Entry, confirmed bool) (bool, error) {
	var err error
	if confirmed {
		var r io.ReadCloser
		if r, err = c.dst.Get(ctx, c.id+"/"+e.Name, 0, 1); err == nil {
			err = r.Close()
		}
	} else {
		_, err = readEntry(ctx, c.dst, c.id, e, MaxObject)
		if errors.Is(err, errHash) {
			_, err = readEntry(ctx, c.dst, c.id, e, MaxObject)
		}
	}
	var corrupt *CorruptError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &corrupt) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("could not look for %s: %w", e.Name, err)
	}
	return true, nil
}

// putLog puts the log files that have lines the destination lacks. Each was the
// last one once, and so may be there with fewer.
func (c *Copier) putLog(ctx context.Context, entries []Entry) error {
	for n := 0; n < len(entries); n += logLines {
		lines := entries[n:min(n+logLines, len(entries))]
		name := logName(int64(n))
		if c.logs[name] == len(lines) {
			continue
		}
		b := BytesBlob(formatLog(lines))
		b.Replace = true
		if err := c.dst.Put(ctx, c.id+"/"+name, b); err != nil {
			return fmt.Errorf("could not put %s: %w", name, err)
		}
		c.logs[name] = len(lines)
	}
	return nil
}

// Copy copies the recording id from src to dst, as far as it has come in src,
// and the shares beside it.
func Copy(ctx context.Context, dst, src Store, id string) error {
	c := NewCopier(dst, src, id)
	for {
		before := c.head
		if err := c.Copy(ctx); err != nil {
			return err
		}
		if c.head == before || c.head.State.Final() {
			break
		}
	}
	_, err := CopyShares(ctx, dst, src, id)
	return err
}
