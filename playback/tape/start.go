package tape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// StartTime returns when the recording started. It reads the first index that
// opens, or else the first segment. The error is why none could be read. It wraps
// archive.ErrNoKey if no key of the reader opens any.
func (t *Tape) StartTime(ctx context.Context) (time.Time, error) {
	var first error
	for _, n := range t.Indexes() {
		start, err := t.indexStart(ctx, n)
		if err == nil {
			return start, nil
		}
		if first == nil {
			first = err
		}
	}
	for _, n := range t.Segments() {
		start, err := t.segmentStart(ctx, n)
		if err == nil {
			return start, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("recording %s: %w", t.ID(), playback.ErrNothing)
	}
	return time.Time{}, first
}

func (t *Tape) indexStart(ctx context.Context, n int) (time.Time, error) {
	b, err := t.ReadIndex(ctx, n)
	if err != nil {
		return time.Time{}, err
	}
	x, err := media.ReadIndex(bytes.NewReader(b))
	if err != nil {
		return time.Time{}, err
	}
	if x.Recording != t.ID() {
		return time.Time{}, fmt.Errorf("index %d is of another recording", n)
	}
	return x.Start, nil
}

func (t *Tape) segmentStart(ctx context.Context, n int) (time.Time, error) {
	b, err := t.rec.ReadSegment(ctx, n)
	if torn := (*archive.TornError)(nil); err != nil && !errors.As(err, &torn) {
		return time.Time{}, err
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		return time.Time{}, err
	}
	if h := r.Header(); h.Recording != t.ID() || h.Segment != n {
		return time.Time{}, fmt.Errorf("segment %d: %w", n, playback.ErrForeign)
	}
	return r.Header().Start, nil
}
