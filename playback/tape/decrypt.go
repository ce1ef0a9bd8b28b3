package tape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// decryptParallel is how many segments are read at once. Each is in memory.
const decryptParallel = 4

// Decrypt reads all segments, a few at once, and calls save with each that is
// what the log says, verified and in the clear. save may be called from several
// goroutines at once, and owns the bytes. failed are the segments that are
// damaged, missing or locked, by number. An error is the store's, save's or that
// of ctx: it is not about the recording, and some segments were not read.
func (t *Tape) Decrypt(ctx context.Context, save func(segment int, plain []byte) error) (failed map[int]error, err error) {
	failed = make(map[int]error)
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(decryptParallel)
	for _, seg := range t.rec.Segments() {
		g.Go(func() error {
			b, err := t.ReadSegment(ctx, seg.Number)
			known := errors.Is(err, playback.ErrDamaged) || errors.Is(err, playback.ErrLocked)
			if err == nil {
				err = belongs(b, t.ID(), seg)
				known = err != nil
			}
			if known {
				mu.Lock()
				defer mu.Unlock()
				failed[seg.Number] = err
				return nil
			} else if err != nil {
				return err
			}
			return save(seg.Number, b)
		})
	}
	return failed, g.Wait()
}

// belongs returns an error unless a segment itself says that it is this segment
// of this recording. A torn segment may lack the part that says so.
func belongs(b []byte, id string, seg archive.SegmentInfo) error {
	r, err := matroska.NewReader(bytes.NewReader(b))
	switch {
	case err != nil && seg.Torn:
		return fmt.Errorf("%s: nothing of it can be read: %w", seg.Name, err)
	case err != nil:
		return &kindError{fmt.Errorf("%s: %w", seg.Name, err), playback.ErrDamaged}
	}
	if h := r.Header(); h.Recording != id || h.Segment != seg.Number {
		return fmt.Errorf("%w: it says it is segment %d of recording %.40q", playback.ErrForeign, h.Segment, h.Recording)
	}
	return nil
}
