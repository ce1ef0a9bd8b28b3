package web

import (
	"context"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// A Library is where recordings come from: that of a store is [Tapes]. Its methods may
// be called from several goroutines at once.
//
// Errors should wrap fs.ErrNotExist, [playback.ErrLocked] or
// [playback.ErrDamaged] where they are of that kind. Any other is taken for one
// of the moment.
type Library interface {
	// Recordings returns what the library page lists. The descriptions are not changed.
	Recordings(ctx context.Context) ([]*tape.Description, error)
	// Open returns the recording with the ID.
	Open(ctx context.Context, id string) (Recording, error)
}

// A Recording gives one recording's segments, and its indexes if it is a
// playback.Indexer.
type Recording interface {
	playback.Source
	// Session returns the recording on one clock, from its own segments.
	Session(ctx context.Context) (*playback.Session, error)
	// Log returns what its log and head say, and what of it opens; see tape.Tape.Log.
	Log() *tape.Description
	// Follow returns its later state if it goes on, itself if nothing is new.
	Follow(ctx context.Context) (Recording, error)
}

// Tapes returns the recordings of a library of tapes.
func Tapes(l *tape.Library) Library { return tapes{l} }

type tapes struct{ *tape.Library }

func (l tapes) Open(ctx context.Context, id string) (Recording, error) {
	t, err := l.Library.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return newOpenTape(ctx, t)
}

// An openTape is a tape with what its log says.
type openTape struct {
	*tape.Tape
	log *tape.Description
}

func newOpenTape(ctx context.Context, t *tape.Tape) (Recording, error) {
	log, err := t.Log(ctx)
	if err != nil {
		return nil, err
	}
	return &openTape{t, log}, nil
}

func (t *openTape) Log() *tape.Description { return t.log }

func (t *openTape) Follow(ctx context.Context) (Recording, error) {
	later, err := t.Tape.Follow(ctx)
	if err != nil {
		return nil, tape.Unfit(err)
	}
	if later == t.Tape {
		return t, nil
	}
	return newOpenTape(ctx, later)
}
