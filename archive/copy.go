package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"
)

// A BadObjectError reports an object that cannot be copied, now or later. Either
// the source lacks it, holds other bytes than the log says, or has it where the
// disk cannot be read; or the destination has other content under its name, and
// then the error wraps ErrConflict.
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

// A Copier copies a recording from one store to another, also while the recording
// grows. It needs no key that opens it. The fields may be set before the first
// Copy. Its methods are safe for concurrent use; a second Copy waits for the
// first.
type Copier struct {
	// Parallel is how many objects are copied at once. Each is held in memory.
	// Zero means 4.
	Parallel int

	// OnStored, if not nil, is called for each object of the log once dst has
	// confirmed its size and hash. Calls come one at a time, from goroutines of
	// Copy, which wait for it.
	OnStored func(Entry)

	// OnBad, if not nil, is called for each object that cannot be copied, and
	// never for a failure that another try may mend. Nil as its result gives the
	// object up for good: log and head are put, and readers of the copy find that
	// the object is missing. An error as its result keeps the head back, and Copy
	// returns that error. A nil OnBad keeps the head back too. Calls come one at
	// a time.
	OnBad func(*BadObjectError) error

	// Signer, if not nil, signs an open head after each 64 objects. In a long
	// pass, readers of dst then have something to read before the pass ends, and
	// src can free what dst has, which makes room on a full disk. Signer must be
	// the key that signed the head in src; with another key, no such heads are
	// put. None are put after an object that keeps the head back.
	Signer note.Signer

	// Own, if not nil, verify what the recorder itself signs. If one of them
	// verifies the head in src, the recording is the recorder's own, and Copy
	// overwrites what others put in dst in its place: a head that none of Own
	// signed and that the head in src does not continue, and content that is not
	// what the log names. OnTaken, if not nil, is called for each object that is
	// overwritten so, one at a time.
	Own     note.Verifiers
	OnTaken func(name string)

	// OnHead, if not nil, is called after dst has confirmed a head. It gets the
	// objects under that head that dst confirmed and that no earlier call was
	// given. From then on the source could do without them. Copy calls it and
	// waits for it.
	OnHead func([]Entry)

	dst, src Store
	id       string

	copying sync.Mutex   // held by Copy, guards what follows
	head    Head         // the last head that this Copier put in dst, or found there; zero: none
	under   logState     // of the lines under head
	file    []Entry      // those of them in the last log file
	listed  int64        // lines that the log files in dst have
	ahead   map[int]bool // lines after under that are done, by number: true if copied, false if given up
	own     bool         // the head in src is signed by Own
	between bool         // and by Signer

	reports sync.Mutex // guards ahead during a pass, and serializes OnStored, OnBad and OnTaken
	pending atomic.Int64
}

// NewCopier returns a Copier of the recording id from src to dst.
func NewCopier(dst, src Store, id string) *Copier {
	return &Copier{dst: dst, src: src, id: id, ahead: make(map[int]bool)}
}

// Pending returns how many objects of the last head seen are neither confirmed in
// the destination nor given up.
func (c *Copier) Pending() int { return int(c.pending.Load()) }

// Copy makes one pass: it puts every object that the head in the source signs and
// that this Copier has not put yet, then the log, then the head. So whatever the
// destination's head names is there. Copy compares the bytes of an object with
// the log before it sends them, and never makes them anew: a pass after a failure
// sends the same bytes, and so does another Copier after a crash. It reads only
// those files of the log that the last pass has not read.
//
// An object that the source lacks counts as put if the destination has it.
//
// A bad object is left out and the others are copied. Log and head are then not
// put, unless OnBad allows it. The error wraps a *BadObjectError for each bad
// object. Any other error ends the pass, and a later pass continues from there: a
// *CorruptError where the head or the log is damaged, or the head in the source missing.
// If the destination holds a larger head, or one that the source's head does not
// continue, the error is a *RollbackError or *ForkError and nothing is
// overwritten.
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
	msg, err := fetchHead(ctx, c.src, c.id)
	if errors.Is(err, fs.ErrNotExist) {
		return &CorruptError{headName, err}
	} else if err != nil {
		return err
	}
	head, err := readHead(msg, c.id)
	if err != nil {
		return &CorruptError{headName, err}
	}
	if head == c.head {
		return nil
	}
	c.own, c.between = false, false
	if c.Own != nil {
		_, _, err := openHead(msg, c.id, c.Own)
		c.own = err == nil
		if c.own && c.Signer != nil {
			v, err := c.Own.Verifier(c.Signer.Name(), c.Signer.KeyHash())
			if err == nil {
				_, _, err = openHead(msg, c.id, note.VerifierList(v))
			}
			c.between = err == nil
		}
	}
	there, strange, err := c.headThere(ctx)
	if err != nil {
		return err
	}
	if !strange && there.Size < c.under.size {
		c.forget() // dst was reset to an older state, or emptied
	}
	lines, err := c.readOn(ctx, head)
	if err != nil {
		return err
	}
	if err := c.compare(there, head, lines); err != nil && !strange {
		var back *RollbackError
		if errors.As(err, &back) {
			return fmt.Errorf("the source is behind the destination: %w", err)
		}
		return fmt.Errorf("source and destination have different pasts: %w", err)
	} else if err != nil {
		c.taken(headName)
	}
	if strange {
		there = Head{}
	}
	c.pending.Store(int64(len(lines) - len(c.ahead)))
	return c.putLines(ctx, lines, there, head, msg)
}

// forget makes the next pass look at everything again.
func (c *Copier) forget() {
	c.head, c.under, c.file, c.listed = Head{}, logState{}, nil, 0
	clear(c.ahead)
}

// readOn returns the lines that head signs after those of c.under.
func (c *Copier) readOn(ctx context.Context, head Head) ([]Entry, error) {
	first := c.under.size / logLines
	lines, err := readLogFiles(ctx, c.src, head, int(first))
	if err != nil {
		return nil, err
	}
	after := c.under.clone()
	lines, err = after.extend(lines[min(c.under.size-first*logLines, int64(len(lines))):], head)
	if err != nil && c.under.size > 0 {
		c.forget() // another log: from the beginning
		return c.readOn(ctx, head)
	}
	return lines, err
}

// headThere returns the head in dst, zero if there is none. strange reports that
// the recording is the recorder's own, but the head in dst is not.
func (c *Copier) headThere(ctx context.Context) (head Head, strange bool, err error) {
	msg, err := fetchHead(ctx, c.dst, c.id)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, false, nil
	}
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return Head{}, false, fmt.Errorf("destination: %w", err)
	}
	if err == nil {
		head, err = readHead(msg, c.id)
	}
	switch {
	case err == nil && c.own:
		_, _, err := openHead(msg, c.id, c.Own)
		return head, err != nil, nil
	case err == nil:
		return head, false, nil
	case c.own:
		c.taken(headName)
		return Head{}, true, nil
	}
	return Head{}, false, fmt.Errorf("destination: %w", &CorruptError{headName, err})
}

// compare returns an error unless head continues the one in dst. lines are those
// of head after c.under.
func (c *Copier) compare(there, head Head, lines []Entry) error {
	if there.Size == 0 || there == c.head {
		return nil
	}
	if err := checkFollows(there, head); err != nil {
		return err
	}
	if there.Size >= c.under.size {
		t := c.under.tree.clone()
		for _, e := range lines[:there.Size-c.under.size] {
			t.add(e)
		}
		if t.root() == there.Root {
			return nil
		}
	}
	return &ForkError{Seen: there, Found: head}
}

// taken reports that other content was in the place of an object of the
// recorder's own.
func (c *Copier) taken(name string) {
	if c.OnTaken != nil {
		c.reports.Lock()
		defer c.reports.Unlock()
		c.OnTaken(name)
	}
}

// putLines puts the objects of lines, then the log, then head. If c.Signer signed
// head, it does so in parts and puts a head after each.
func (c *Copier) putLines(ctx context.Context, lines []Entry, there, head Head, msg []byte) error {
	start, under := c.under.size, 0 // lines[:under] are under a head in dst
	var held []error
	for n := 0; ; {
		to := len(lines)
		if c.between {
			to = min(to, n+headEach-int((start+int64(n))%headEach))
		}
		bad, err := c.putObjects(ctx, start, lines[:to], n, there.Size)
		if err != nil {
			return err
		}
		if len(held) < 100 {
			held = append(held, bad...)
		}
		n = to
		switch last := n == len(lines); {
		case last && len(held) > 0:
			return errors.Join(held...)
		case last && there == head:
			// The head in dst may have more signatures: leave it.
			return c.putHead(ctx, lines[under:], head, nil)
		case last:
			return c.putHead(ctx, lines[under:], head, msg)
		case len(held) == 0 && start+int64(n) > there.Size:
			part, msg, err := c.headOf(lines[under:n])
			if err == nil {
				err = c.putHead(ctx, lines[under:n], part, msg)
			}
			if err != nil {
				return err
			}
			under = n
		}
	}
}

// headOf returns an open head for more lines than those under the last one.
func (c *Copier) headOf(lines []Entry) (Head, []byte, error) {
	t := c.under.tree.clone()
	for _, e := range lines {
		t.add(e)
	}
	h := Head{ID: c.id, Size: t.size, Root: t.root(), State: StateOpen}
	msg, err := signHead(h, c.Signer)
	return h, msg, err
}

// putHead puts the log with further lines, whose objects are in dst, and then the
// head. If msg is nil, it puts the log only.
func (c *Copier) putHead(ctx context.Context, lines []Entry, head Head, msg []byte) error {
	file := c.file
	for n, rest := c.under.size-int64(len(file)), slices.Concat(file, lines); len(rest) > 0; n += logLines {
		file = rest[:min(logLines, len(rest))]
		rest = rest[len(file):]
		end := n + int64(len(file))
		if end <= c.listed {
			continue
		}
		if err := c.putSmall(ctx, logName(n), formatLog(file)); err != nil {
			return err
		}
		c.listed = end
	}
	if msg != nil {
		if err := c.putSmall(ctx, headName, msg); err != nil {
			return err
		}
	}
	var stored []Entry
	for _, e := range lines {
		n := int(c.under.size)
		if c.ahead[n] {
			stored = append(stored, e)
		}
		delete(c.ahead, n)
		if err := c.under.add(e); err != nil {
			return err
		}
	}
	c.head, c.file = head, file[:len(file)%logLines]
	if c.OnHead != nil && len(stored) > 0 {
		c.OnHead(stored)
	}
	return nil
}

// putSmall puts an object that is overwritten again and again: log or head.
func (c *Copier) putSmall(ctx context.Context, name string, data []byte) error {
	b := BytesBlob(data)
	b.Replace = true
	if err := c.dst.Put(ctx, c.id+"/"+name, b); err != nil {
		return fmt.Errorf("could not put %s: %w", name, err)
	}
	return nil
}

// Copy copies the recording id from src to dst, as far as it has come in src,
// and the shares and attachments beside it.
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
	_, aerr := CopyAttachments(ctx, dst, src, id)
	return errors.Join(err, aerr)
}
