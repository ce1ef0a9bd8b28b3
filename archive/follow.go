package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"
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
	next, err := newest(r.options.Heads, r.head.ID, func() (*Recording, error) { return r.follow(ctx) })
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
	seen, err := checkSeen(r.options.Heads, head)
	if err != nil {
		return nil, err
	}
	if head == r.head {
		return r, nil
	}
	if err := checkFollows(r.head, head); err != nil {
		return nil, err
	}
	fresh, state, err := r.readOn(ctx, head)
	if err != nil {
		return nil, err
	}
	grown := func(seen *Head) error {
		if seen == nil || *seen == r.head {
			return nil
		}
		return checkGrown(seen, head, slices.Concat(r.entries, fresh))
	}
	if err := grown(seen); err != nil {
		return nil, err
	}
	if err := remember(r.options.Heads, seen, head, grown); err != nil {
		return nil, err
	}
	return r.grown(head, signers, fresh, state), nil
}

// grown returns the recording with further lines. r keeps its own part of the
// slices: one that follows it writes behind that, a second one copies.
func (r *Recording) grown(head Head, signers []string, fresh []Entry, state logState) *Recording {
	next := &Recording{
		options: r.options, store: r.store, head: head, signers: signers, state: state, ids: r.ids,
		entries: r.entries, segments: r.segments, indexes: r.indexes, epochs: slices.Clone(r.epochs),
	}
	if r.followed.Swap(true) {
		next.entries, next.segments, next.indexes = slices.Clip(r.entries), slices.Clip(r.segments), slices.Clip(r.indexes)
	}
	for i, e := range next.epochs {
		// What did not open may have been shared since; the last may get more files.
		secret := e.opened()
		if secret == nil || i == len(next.epochs)-1 {
			next.epochs[i] = &epoch{EpochInfo: e.EpochInfo, files: slices.Clip(e.files), secret: secret}
		}
	}
	next.append(fresh)
	return next
}

// readOn returns the lines of the log that head signs beyond those of r, and the
// state after them: it reads the file that r's log ends in, if that is not full,
// and those after it.
func (r *Recording) readOn(ctx context.Context, head Head) ([]Entry, logState, error) {
	state := r.state.clone()
	if head.Size == r.head.Size {
		return nil, state, nil // checkFollows compared the roots: only the state is new
	}
	first := len(r.entries) / logLines
	lines, err := readLogFiles(ctx, r.store, head, first)
	if err == nil {
		// What r knows is kept, and not what the file says of it now: one root
		// over both then says that all of it belongs together.
		known := len(r.entries) - first*logLines
		fresh, err := state.extend(lines[min(known, len(lines)):], head)
		if err == nil {
			return fresh, state, nil
		}
	}
	if err != nil && !errors.As(err, new(*CorruptError)) {
		return nil, state, err
	}
	// What is wrong shows when all is read: the log is damaged, or it is whole
	// and another than before.
	entries, state, _, err := readLog(ctx, r.store, head)
	if err != nil {
		return nil, state, err
	}
	return entries[len(r.entries):], state, checkGrown(&r.head, head, entries)
}

// opened returns the secret, nil if it is not known.
func (e *epoch) opened() *age.HybridIdentity {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secret
}
