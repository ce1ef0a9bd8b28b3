package playback

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Source gives a recording's segments, decrypted. Its methods are called again
// and again, from several goroutines at once.
//
// Errors should wrap ErrLocked or ErrDamaged where they are of that kind. Any
// other is taken for one of the moment, such as a network that is down.
type Source interface {
	// Segments returns the numbers of the segments, ascending. A number that
	// is left out between two others counts as missing.
	Segments() []int
	// ReadSegment returns one segment, verified and decrypted. The result
	// is the caller's. An error concerns this segment alone.
	ReadSegment(ctx context.Context, n int) ([]byte, error)
}

// An Indexer is a Source that has indexes, too: what media.Index tells, of some
// dozens of segments at once. Open then reads only those segments that no index
// tells of.
type Indexer interface {
	Source
	// Indexes returns the numbers of the indexes, ascending.
	Indexes() []int
	// ReadIndex returns one index, as ReadSegment does a segment.
	ReadIndex(ctx context.Context, n int) ([]byte, error)
}

// Options are the settings of Open. The zero value is good for files whose
// origin the caller has checked already.
type Options struct {
	// Recording is the ID that every segment must carry, empty for any.
	Recording string
	// Brief is for a list of recordings: of the segments that no index tells of
	// Open reads only the recording's first, which has the room's name, and its
	// last, which has the length. Of the others the times are estimated, and
	// Tracks and Events may lack what they tell, until they are read.
	Brief bool
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
	// ErrLocked: no key of the reader opens it.
	ErrLocked = errors.New("locked")
	// ErrDamaged: it is not what was recorded, or makes no sense. To read it
	// again changes nothing. A segment that a crash tore is none of this.
	ErrDamaged = errors.New("damaged")
	// ErrForeign: a segment says that it belongs to another recording, or
	// stands under a number that is not its own. It is ErrDamaged, too.
	ErrForeign = errors.New("segment does not belong here")
	// ErrNotListed: the source does not list the segment, though it lists
	// later ones.
	ErrNotListed = errors.New("segment is not listed")
	// ErrNothing: there is no media to export.
	ErrNothing = errors.New("recording holds no media")
)

// A damage is an error that is ErrDamaged by what was found in the bytes.
type damage struct{ error }

func (d damage) Unwrap() error        { return d.error }
func (d damage) Is(target error) bool { return target == ErrDamaged }

// maxTime is the longest recording that is read. It bounds what one wrong time
// can cost an export that fills holes.
const maxTime = 31 * 24 * time.Hour
