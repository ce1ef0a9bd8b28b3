package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A Repair is one thing that RepairStores did or could not do.
type Repair struct {
	Store int    // index of the store that lacked it
	Name  string // of the object, relative to the recording's folder
	Err   error  // why it is still not there; nil if it was put back
}

// A RepairReport is what RepairStores returns besides the Repairs it reports.
type RepairReport struct {
	Head Head // of the recording
	// Unread counts the objects that were not read, because a store gave their
	// SHA-256; an object counts once for each such store.
	Unread int
}

// RepairOptions say how stores are repaired.
type RepairOptions struct {
	// Options.Verifiers are those of the recorders whose heads count.
	Options
	// Quick does not read an object whose SHA-256 the store gives, as VerifyQuick does
	// not.
	Quick bool
	// Report is called for each thing that was missing or damaged, one at a time. Nil is
	// fine.
	Report func(Repair)
}

// RepairStores makes the recording id whole in each of the stores from what the
// others have: objects, log, head and shares. It needs no key. The newest head
// that a recorder of o.Verifiers signed decides what belongs there. Only bytes
// with the hash in its log are put, over whatever is in their place. It reads every
// object in every store, unless o.Quick is set.
//
// A recording that has not ended is left alone, with an error that wraps
// ErrNotOver: its recorder may be about to put a newer head.
//
// If no store has an object any more, the Err of its Repair is a *CorruptError. If
// something in its place cannot be replaced, such as a folder, Err wraps ErrConflict.
//
// The error of RepairStores is that of Open if no store has a head that counts.
// It is a *ForkError if two stores have heads of which neither continues the
// other; then nothing was changed. Any other error means that a store failed.
func RepairStores(ctx context.Context, stores []Store, id string, o RepairOptions) (RepairReport, error) {
	r := &repairer{stores: stores, id: id, quick: o.Quick, report: o.Report}
	err := r.run(ctx, o.Options)
	if err != nil {
		err = fmt.Errorf("repairing recording %s: %w", id, err)
	}
	return RepairReport{r.head, int(r.unread.Load())}, err
}

type repairer struct {
	stores []Store
	id     string
	quick  bool

	head    Head
	msg     []byte // the head as it is signed
	entries []Entry
	unread  atomic.Int64

	telling sync.Mutex // held in calls of report
	report  func(Repair)
}

func (r *repairer) tell(store int, name string, err error) {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.report != nil {
		r.report(Repair{store, name, err})
	}
}

func (r *repairer) run(ctx context.Context, o Options) error {
	if err := ValidID(r.id); err != nil {
		return err
	}
	if err := r.findHead(ctx, o); err != nil {
		return err
	}
	// Files of epochs come first, as they do when a recording is written.
	for _, epochs := range []bool{true, false} {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(4) // objects in memory
		for _, e := range r.entries {
			if l, _ := parseName(e.Name); (l.kind == Epoch) == epochs {
				g.Go(func() error { return r.object(ctx, e) })
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	for i := range r.stores {
		if err := r.logAndHead(ctx, i); err != nil {
			return err
		}
	}
	return r.beside(ctx)
}

// findHead finds the newest head and its log. The heads of the other stores must
// sign a beginning of that log.
func (r *repairer) findHead(ctx context.Context, o Options) error {
	var found []Head
	var why error // the gravest reason why a head does not count
	for _, s := range r.stores {
		msg, err := fetchHead(ctx, s, r.id)
		var head Head
		if err == nil {
			head, _, err = openTrusted(msg, r.id, o)
		}
		var corrupt *CorruptError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if why == nil {
				why = err
			}
			continue
		case err != nil && msg == nil && !errors.As(err, &corrupt):
			return err // the store failed
		case err != nil:
			if why == nil || errors.Is(why, fs.ErrNotExist) {
				why = err
			}
			continue
		}
		found = append(found, head)
		if len(found) == 1 || checkFollows(r.head, head) == nil {
			r.head, r.msg = head, msg
		}
	}
	if len(found) == 0 {
		return why
	}
	if _, err := checkSeen(o.Heads, r.head); err != nil {
		return err
	}
	if !r.head.State.Final() {
		return ErrNotOver
	}
	var err error
	for _, s := range r.stores {
		if r.entries, _, _, err = readLog(ctx, s, r.head); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	for _, h := range found {
		if err := checkFollows(h, r.head); err != nil {
			return err
		}
		if err := checkGrown(&h, r.head, r.entries); err != nil {
			return err
		}
	}
	return nil
}

// object copies an object to the stores that lack it, from the first that has it.
func (r *repairer) object(ctx context.Context, e Entry) error {
	var lacking []int
	var from Store
	for i, s := range r.stores {
		good, err := r.isGood(ctx, s, e)
		if err != nil {
			return err
		}
		if !good {
			lacking = append(lacking, i)
		} else if from == nil {
			from = s
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	lost := error(&CorruptError{e.Name, errors.New("no store has it")})
	if from == nil {
		for _, i := range lacking {
			r.tell(i, e.Name, lost)
		}
		return nil
	}
	data, err := readEntry(ctx, from, r.id, e, maxSize(e.Name))
	var corrupt *CorruptError
	if errors.As(err, &corrupt) { // the store's SHA-256 was not true
		for _, i := range lacking {
			r.tell(i, e.Name, err)
		}
		return nil
	} else if err != nil {
		return err
	}
	b := hashedBlob(data, e.SHA256)
	b.Replace = true
	for _, i := range lacking {
		if err := r.put(ctx, i, e.Name, b); err != nil {
			return err
		}
	}
	return nil
}

// put puts b and reports the result. The error is the store's.
func (r *repairer) put(ctx context.Context, i int, name string, b Blob) error {
	err := r.stores[i].Put(ctx, r.id+"/"+name, b)
	if err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("could not put %s: %w", name, err)
	}
	r.tell(i, name, err)
	return nil
}

// isGood reports whether a store has the bytes of an entry.
func (r *repairer) isGood(ctx context.Context, s Store, e Entry) (bool, error) {
	v := &verifier{store: s, id: r.id, quick: r.quick}
	_, sum, read, err := v.sum(ctx, e.Name, make([]byte, 64<<10))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case isDefect(err), deniedAlone(ctx, s, r.id, err): // the store cannot give it back
		return false, nil
	case err != nil:
		return false, fmt.Errorf("could not read %s: %w", e.Name, err)
	}
	if !read {
		r.unread.Add(1)
	}
	return sum == e.SHA256, nil
}

// logAndHead puts the log files that differ from what the head signs, and then
// the head.
func (r *repairer) logAndHead(ctx context.Context, i int) error {
	for n := int64(0); n < r.head.Size; n += logLines {
		lines := formatLog(r.entries[n:min(n+logLines, r.head.Size)])
		if err := r.small(ctx, i, logName(n), lines, maxLog); err != nil {
			return err
		}
	}
	return r.small(ctx, i, headName, r.msg, maxHead)
}

// small puts a small file if the store has other content.
func (r *repairer) small(ctx context.Context, i int, name string, want []byte, max int64) error {
	got, err := read(ctx, r.stores[i], r.id, name, max)
	var corrupt *CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		return err
	}
	if err == nil && bytes.Equal(got, want) {
		return nil
	}
	if name == headName && err == nil {
		// The store's head may have more signatures: leave it.
		if h, err := readHead(got, r.id); err == nil && h == r.head {
			return nil
		}
	}
	b := BytesBlob(want)
	b.Replace = true
	return r.put(ctx, i, name, b)
}

// beside puts every grant and attachment that a store has whole to those that have not.
func (r *repairer) beside(ctx context.Context) error {
	names := make(map[string]bool)
	for _, s := range r.stores {
		for _, folder := range []string{sharesFolder, attachmentsFolder} {
			for info, err := range List(ctx, s, r.id+"/"+folder) {
				if err != nil {
					return err
				}
				name := strings.TrimPrefix(info.Name, r.id+"/")
				if _, _, ok := folderBeside(name); ok {
					names[name] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := r.besideOne(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *repairer) besideOne(ctx context.Context, name string) error {
	var whole []byte
	var lacking []int
	for i, s := range r.stores {
		data, err := readBeside(ctx, s, r.id, name)
		var corrupt *CorruptError
		switch {
		case errors.As(err, &corrupt): // or is missing
			lacking = append(lacking, i)
		case err != nil:
			return err
		default:
			whole = data
		}
	}
	b := BytesBlob(whole)
	b.Replace = true
	for _, i := range lacking {
		if whole == nil {
			r.tell(i, name, &CorruptError{name, errors.New("no store has it")})
		} else if err := r.put(ctx, i, name, b); err != nil {
			return err
		}
	}
	return nil
}
