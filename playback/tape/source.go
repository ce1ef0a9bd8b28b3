package tape

import (
	"context"
	"errors"
	"io/fs"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
)

var (
	_ playback.Indexer = (*Tape)(nil)
	_ playback.Ledger  = (*Tape)(nil)
)

// Segments returns the numbers of the segments, rising.
func (t *Tape) Segments() []int {
	var numbers []int
	for _, seg := range t.rec.Segments() {
		numbers = append(numbers, seg.Number)
	}
	return numbers
}

// ReadSegment returns a segment, verified and decrypted. Of a torn segment it
// returns what there is. The error wraps playback.ErrDamaged or
// playback.ErrLocked if it is of that kind. Any other error is the store's, and
// another try may help.
func (t *Tape) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	b, err := t.rec.ReadSegment(ctx, n)
	if torn := (*archive.TornError)(nil); errors.As(err, &torn) {
		t.mu.Lock()
		t.torn[n] = torn
		t.mu.Unlock()
		err = nil
	}
	if t.o.OnRead != nil {
		t.o.OnRead(n)
	}
	err = ofKind(err)
	if err != nil && t.o.OnStoreError != nil && ctx.Err() == nil &&
		!errors.Is(err, playback.ErrDamaged) && !errors.Is(err, playback.ErrLocked) {
		t.o.OnStoreError(err)
	}
	return b, err
}

// Indexes returns the numbers of the indexes, rising.
func (t *Tape) Indexes() []int { return t.rec.Indexes() }

// ReadIndex returns an index, as ReadSegment returns a segment.
func (t *Tape) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	b, err := t.rec.ReadIndex(ctx, n)
	return b, ofKind(err)
}

// Epoch returns the epoch of a segment, by the log.
func (t *Tape) Epoch(segment int) int { return t.log[segment].Epoch }

// Torn reports whether a crash tore a segment, by the log.
func (t *Tape) Torn(segment int) bool { return t.log[segment].Torn }

// TornSegments returns how many of the segments read so far lack their end.
func (t *Tape) TornSegments() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.torn)
}

// tornError returns what is left of a torn segment that was read. It is nil for
// other segments.
func (t *Tape) tornError(n int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.torn[n]
}

// ofKind gives an error of reading the kind that package playback knows, since
// that package knows no archive.
func ofKind(err error) error {
	var corrupt *archive.CorruptError
	switch {
	case errors.As(err, &corrupt):
		return &kindError{err, playback.ErrDamaged}
	case errors.Is(err, archive.ErrNoKey):
		return &kindError{err, playback.ErrLocked}
	}
	return err
}

// refused reports whether a recording did not open because of itself, and not
// because it is missing, or the store does not answer.
func refused(err error) bool { return StateOf(err) != "" && !errors.Is(err, fs.ErrNotExist) }

// StateOf returns the state of a recording that did not open because of itself: one
// of those of this package. "" means that the error is momentary.
func StateOf(err error) archive.State {
	var corrupt *archive.CorruptError
	var back *archive.RollbackError
	var fork *archive.ForkError
	switch {
	case errors.Is(err, archive.ErrForeignSigner):
		return StateForeign
	case errors.As(err, &back), errors.As(err, &fork):
		return StateRolledBack
	case errors.As(err, &corrupt), errors.Is(err, fs.ErrNotExist):
		return StateDamaged
	}
	return ""
}

// A kindError has the text of err, and matches kind too.
type kindError struct{ err, kind error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.err, e.kind} }
