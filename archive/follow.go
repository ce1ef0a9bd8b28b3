package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Follow returns the recording as the store has it now, or r itself if nothing
// is new: for a reader of a recording that goes on. r stays as it is. An epoch
// that it has opened is not opened again; one that did not open is tried again
// when something is read from it, since it may have been shared meanwhile.
//
// It costs one request, for the head, and if that names more objects one more
// round: for the last file of the log that r knows, and those after it. What is read must go on
// from r. The errors are those of Open; a *RollbackError or *ForkError is
// returned without a HeadMemory too. After any error r can be used further, and
// Follow be called again.
func (r *Recording) Follow(ctx context.Context) (*Recording, error) {
	next, err := r.follow(ctx)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	return next, nil
}

func (r *Recording) follow(ctx context.Context) (*Recording, error) {
	head, signers, err := fetchSigned(ctx, r.store, r.head.ID, r.options.Verifiers)
	if err != nil {
		return nil, err
	}
	if head == r.head {
		return r, nil
	}
	if err := checkFollows(r.head, head); err != nil {
		return nil, err
	}
	seen, err := checkSeen(r.options.Heads, head)
	if err != nil {
		return nil, err
	}
	entries, err := r.readOn(ctx, head)
	if err != nil {
		return nil, err
	}
	if err := checkGrown(seen, head, entries); err != nil {
		return nil, err
	}
	if err := remember(r.options.Heads, seen, head); err != nil {
		return nil, err
	}
	next := newRecording(r.store, head, signers, entries, r.options)
	for i, e := range r.epochs {
		// The last one may have got its classic file since.
		if slices.Equal(e.files, next.epochs[i].files) && e.opened() {
			next.epochs[i] = e
		}
	}
	return next, nil
}

// readOn returns the log that head signs, which must begin with the one of r: it
// reads the file that r's log ends in, if that is not full, and those after it.
func (r *Recording) readOn(ctx context.Context, head Head) ([]Entry, error) {
	if head.Size == r.head.Size {
		return r.entries, nil // checkFollows compared the roots: only the state is new
	}
	first := len(r.entries) / logLines
	lines, err := readLogFiles(ctx, r.store, head, first)
	if err == nil {
		// What r knows is kept, and not what the file says of it now: one root
		// over both then says that all of it belongs together.
		known := r.entries[first*logLines:]
		more := lines[min(len(known), len(lines)):]
		entries, _, err := checkLog(slices.Concat(r.entries, more), head)
		if err == nil {
			return entries, nil
		}
	}
	if err != nil && !errors.As(err, new(*CorruptError)) {
		return nil, err
	}
	// What is wrong shows when all is read: the log is damaged, or it is whole
	// and another than before.
	entries, _, err := readLog(ctx, r.store, head)
	if err != nil {
		return nil, err
	}
	return entries, checkGrown(&r.head, head, entries)
}

// opened reports whether the secret is known.
func (e *epoch) opened() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secret != nil
}
