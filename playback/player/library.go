package player

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Library returns recordings; [Tapes] makes one for a store. Its methods may be
// called from several goroutines at once.
//
// Errors should wrap fs.ErrNotExist, [playback.ErrLocked] or
// [playback.ErrDamaged] if they are of that kind. Any other error is treated as
// momentary.
type Library interface {
	// Recordings returns what the library page lists. The caller does not change
	// the descriptions.
	Recordings(ctx context.Context) ([]*tape.Description, error)
	// Near returns the recordings among which the others of a recording's meeting are, or
	// as many as are found without looking at more than most: see tape.Library.
	Near(ctx context.Context, id string, most int) (all []*tape.Description, whole bool, err error)
	// Some returns the recordings with these IDs, each as it is.
	Some(ctx context.Context, ids []string) ([]*tape.Description, error)
	// Open returns the recording with the ID.
	Open(ctx context.Context, id string) (Recording, error)
}

// A Recording returns one recording's segments, and its indexes if it is a
// playback.Indexer.
type Recording interface {
	playback.Source
	// Session returns the recording on one clock, read from its own segments.
	Session(ctx context.Context) (*playback.Session, error)
	// Log returns what log and head say, and which epochs open: see
	// tape.Tape.Log.
	Log() *tape.Description
	// Agreements returns, by participant, what members signed about being recorded: see
	// tape.Tape.Agreements.
	Agreements(events []media.Event, end time.Duration) (of map[string][]tape.Agreement, memberKeys bool)
	// Words returns the attached transcripts that count, the newest first: see
	// tape.Tape.Words.
	Words(ctx context.Context) ([]tape.Words, error)
	// Follow returns the later state of a recording that goes on. If nothing is
	// new, it returns the same Recording.
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

// An openTape is a tape with the description of its log.
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
