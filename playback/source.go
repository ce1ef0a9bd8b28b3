package playback

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Source returns a recording's segments, decrypted. Its methods are called
// repeatedly, and concurrently.
//
// Errors should wrap ErrLocked or ErrDamaged if they are of that kind. Any other
// error is treated as momentary, such as a network that is down.
type Source interface {
	// Segments returns the numbers of the segments, rising. A number that is left
	// out between two others counts as missing.
	Segments() []int
	// ReadSegment returns one segment, verified and decrypted. The caller owns
	// the result. An error concerns this segment only.
	ReadSegment(ctx context.Context, n int) ([]byte, error)
}

// An Indexer is a Source that has indexes too. An index describes some dozens of
// segments: see media.Index. Open then reads only the segments that no index
// describes.
type Indexer interface {
	Source
	// Indexes returns the numbers of the indexes, rising.
	Indexes() []int
	// ReadIndex returns one index, as ReadSegment does a segment.
	ReadIndex(ctx context.Context, n int) ([]byte, error)
}

// Options are the settings of Open. The zero value suits files whose origin the
// caller has checked already.
type Options struct {
	// Recording is the ID that every segment must have. Empty means any.
	Recording string
	// Brief is for a list of recordings. Of the segments that no index describes,
	// Open then reads only two: the recording's first, which has the room's name,
	// and its last, which has the length. The times of the others are estimated.
	// Tracks and Events may lack what is in them until they are read.
	Brief bool
	// OnFrame and OnEvent, if not nil, are called by Check with all that it reads, in the
	// order of the segments.
	OnFrame func(media.Track, media.Frame)
	OnEvent func(media.Event)
}

// A SegmentError reports that a segment, or the part of it after some point,
// could not be read.
type SegmentError struct {
	// Number is the segment's.
	Number int
	// From and To bound the missing time on the recording clock. From is where
	// the last readable segment before it ends. To is where the next one begins.
	// A To of 0 means that there is none. Segments missing in a row share one
	// span.
	From, To time.Duration
	// Err is the reason.
	Err error
}

func (e *SegmentError) Error() string { return fmt.Sprintf("segment %d: %v", e.Number, e.Err) }
func (e *SegmentError) Unwrap() error { return e.Err }

var (
	// ErrLocked: no key of the reader opens the segment.
	ErrLocked = errors.New("locked")
	// ErrDamaged: the segment is not what was recorded, or makes no sense.
	// Reading it again does not help. A segment that a crash tore is not damaged.
	ErrDamaged = errors.New("damaged")
	// ErrForeign: the segment says that it belongs to another recording, or has
	// another number. ErrForeign comes with ErrDamaged.
	ErrForeign = errors.New("segment does not belong here")
	// ErrNotListed: the source does not list the segment, though it lists
	// later ones.
	ErrNotListed = errors.New("segment is not listed")
	// ErrNothing: there is no media to export.
	ErrNothing = errors.New("recording holds no media")
)

// A damage is an error in the bytes. It matches ErrDamaged.
type damage struct{ error }

func (d damage) Unwrap() error        { return d.error }
func (d damage) Is(target error) bool { return target == ErrDamaged }

// maxTime is the longest recording that is read. It limits what one wrong time
// can cost an export that fills holes.
const maxTime = 31 * 24 * time.Hour
