package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"
)

// Follow returns the recording as the store has it now, for a reader of a
// recording that goes on. If nothing is new, it returns r itself. r does not
// change. An epoch that r has opened is not opened again; one that did not open
// is tried again when something of it is read, since it may have been shared
// meanwhile.
//
// Follow makes one request, for the head. If the head names more objects, it
// makes one more round of requests: for the last log file that r knows, and those
// after it. What it reads must continue r. The errors are those of Open; a
// *RollbackError or *ForkError is returned even without a HeadMemory. After any
// error r can still be used, and Follow be called again.
func (r *Recording) Follow(ctx context.Context) (*Recording, error) {
	next, err := newest(r.options.Heads, r.head.ID, func() (*Recording, error) { return r.follow(ctx) })
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	return next, nil
}

func (r *Recording) follow(ctx context.Context) (*Recording, error) {
	head, signers, err := fetchSigned(ctx, r.store, r.head.ID, r.options)
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

// grown returns the recording with further lines. It shares its slices with r:
// the first call appends behind the part of r, a second call copies.
func (r *Recording) grown(head Head, signers []Signer, fresh []Entry, state logState) *Recording {
	next := &Recording{
		options: r.options, store: r.store, head: head, signers: signers, state: state, ids: r.ids,
		entries: r.entries, segments: r.segments, indexes: r.indexes, epochs: slices.Clone(r.epochs),
	}
	if r.followed.Swap(true) {
		next.entries, next.segments, next.indexes = slices.Clip(r.entries), slices.Clip(r.segments), slices.Clip(r.indexes)
	}
	for i, e := range next.epochs {
		// What did not open may have been shared since, and the last epoch may
		// get more files.
		secret := e.opened()
		if secret == nil || i == len(next.epochs)-1 {
			next.epochs[i] = &epoch{EpochInfo: e.EpochInfo, files: slices.Clip(e.files), secret: secret}
		}
	}
	next.append(fresh)
	return next
}

// readOn returns the lines of the log that head signs after those of r, and the
// state after them. It reads the file that r's log ends in, unless it is full,
// and the files after it.
func (r *Recording) readOn(ctx context.Context, head Head) ([]Entry, logState, error) {
	state := r.state.clone()
	if head.Size == r.head.Size {
		return nil, state, nil // checkFollows compared the roots: only the state is new
	}
	first := len(r.entries) / logLines
	lines, err := readLogFiles(ctx, r.store, head, first)
	if err == nil {
		// The lines that r knows are used, not what the file says of them now.
		// One root over both then proves that all lines belong together.
		known := len(r.entries) - first*logLines
		fresh, err := state.extend(lines[min(known, len(lines)):], head)
		if err == nil {
			return fresh, state, nil
		}
	}
	if err != nil && !errors.As(err, new(*CorruptError)) {
		return nil, state, err
	}
	// Only the whole log shows what is wrong: whether it is damaged, or is
	// another than before.
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
