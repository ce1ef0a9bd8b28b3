package playback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A Source gives a recording's segments, decrypted. Its methods may be called
// again and again, and must be safe for concurrent use if the Session is used so.
type Source interface {
	// Segments returns the numbers of the segments, ascending. A number that
	// is left out between two others counts as missing.
	Segments() []int
	// ReadSegment returns one segment, verified and decrypted. The result
	// is the caller's. An error concerns this segment alone.
	ReadSegment(ctx context.Context, n int) ([]byte, error)
}

// Options are the settings of Open. The zero value is good for files whose
// origin the caller has checked already.
type Options struct {
	// Recording is the ID that every segment must carry, empty for any.
	Recording string
}

// A SegmentError says that a segment, or what follows some point in it, could
// not be read.
type SegmentError struct {
	// Number is the segment's.
	Number int
	// From and To bound the time that is missing, on the recording clock, as
	// far as the neighbouring segments tell: From is where the last readable
	// one ends, To where the next begins, 0 if there is none. Segments that
	// are missing in a row share one span.
	From, To time.Duration
	// Err is why.
	Err error
}

func (e *SegmentError) Error() string { return fmt.Sprintf("segment %d: %v", e.Number, e.Err) }
func (e *SegmentError) Unwrap() error { return e.Err }

var (
	// ErrForeign: a segment says that it belongs to another recording, or
	// stands under a number that is not its own.
	ErrForeign = errors.New("segment does not belong here")
	// ErrNotListed: the source does not list the segment, though it lists
	// later ones.
	ErrNotListed = errors.New("segment is not listed")
	// ErrNothing: there is no media to export.
	ErrNothing = errors.New("recording holds no media")
)

// maxTime is the longest recording that is read. It bounds what one wrong time
// can cost an export that fills holes.
const maxTime = 31 * 24 * time.Hour

// blocks reads one segment. It yields its blocks, and an error as the last.
func blocks(ctx context.Context, src Source, n int, o Options, check func(matroska.Header) error) iter.Seq2[matroska.Block, error] {
	return func(yield func(matroska.Block, error) bool) {
		data, err := src.ReadSegment(ctx, n)
		if err != nil {
			yield(matroska.Block{}, err)
			return
		}
		r, err := matroska.NewReader(bytes.NewReader(data))
		if err == nil {
			err = belongs(r, n, o)
		}
		if err == nil {
			err = check(r.Header())
		}
		if err != nil {
			yield(matroska.Block{}, err)
			return
		}
		for {
			b, err := r.Next()
			if err == io.EOF {
				return
			}
			if err == nil && (b.Frame.Time > maxTime || b.Event != nil && b.Event.Time > maxTime) {
				err = fmt.Errorf("time beyond %v", maxTime)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func belongs(r *matroska.Reader, n int, o Options) error {
	h := r.Header()
	switch {
	case o.Recording != "" && h.Recording != o.Recording:
		return fmt.Errorf("%w: it is of recording %.40q", ErrForeign, h.Recording)
	case h.Segment != n:
		return fmt.Errorf("%w: it is number %d", ErrForeign, h.Segment)
	case r.FormatVersion() != matroska.FormatVersion:
		return fmt.Errorf("format version %d, this program reads %d", r.FormatVersion(), matroska.FormatVersion)
	}
	return nil
}
