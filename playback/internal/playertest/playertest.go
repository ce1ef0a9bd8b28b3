// Package playertest has recordings for tests of the player: in memory, small, and
// going wrong on demand.
package playertest

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// ID is the ID of every Recording.
const ID = "0123456789ABCDEFGHJKMNPQRS"

// Start is when a Recording started.
var Start = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

// Alice is the sound of a Meeting, and Bob its picture.
var (
	Alice = media.Track{UID: 11, Participant: "alice", Name: "Alice", Source: media.Microphone, Codec: media.Opus, Channels: 1}
	Bob   = media.Track{UID: 1<<63 + 5, Participant: "bob", Source: media.Camera, Codec: media.VP8, Width: 160, Height: 120}
)

// A Library holds recordings in memory.
type Library struct {
	Entries []*tape.Description // what it lists
	Err     error               // instead of a list

	mu     sync.Mutex
	ByID   map[string]*Recording
	opened int
}

// Of returns a library of one recording.
func Of(r *Recording) *Library { return &Library{ByID: map[string]*Recording{ID: r}} }

// Recordings implements player.Library.
func (l *Library) Recordings(ctx context.Context) ([]*tape.Description, error) {
	return l.Entries, l.Err
}

// Near implements player.Library: it looks at all that the library lists, unless it is more than
// most.
func (l *Library) Near(ctx context.Context, id string, most int) ([]*tape.Description, bool, error) {
	if most > 0 && len(l.Entries) > most {
		all, err := l.Some(ctx, []string{id})
		return all, false, err
	}
	return l.Entries, true, l.Err
}

// Some implements player.Library.
func (l *Library) Some(ctx context.Context, ids []string) ([]*tape.Description, error) {
	var all []*tape.Description
	for _, id := range ids {
		d := tape.Unopened(id, fs.ErrNotExist)
		for _, e := range l.Entries {
			if e.ID == id {
				d = e
			}
		}
		all = append(all, d)
	}
	return all, l.Err
}

// Open implements player.Library.
func (l *Library) Open(ctx context.Context, id string) (player.Recording, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened++
	if r := l.ByID[id]; r != nil {
		return r, nil
	}
	return nil, fs.ErrNotExist
}

// Opened returns how often Open was called.
func (l *Library) Opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// A Recording is one state of a recording.
type Recording struct {
	// Mu guards the other fields once a player has the recording.
	Mu     *sync.Mutex
	Data   map[int][]byte // segments, in the clear, by number
	Desc   tape.Description
	Later  *Recording // the state that follows
	Agreed map[string][]tape.Agreement
	Said   []tape.Words  // attached transcripts
	Saying chan struct{} // if it is not nil, they are there once it is closed

	errs    map[int]error
	reading func(ctx context.Context, n int) error
	reads   map[int]int
}

// NewRecording returns a recording without segments.
func NewRecording(desc tape.Description) *Recording {
	return &Recording{Mu: new(sync.Mutex), Data: make(map[int][]byte), Desc: desc, errs: make(map[int]error), reads: make(map[int]int)}
}

var _ player.Recording = (*Recording)(nil)

// Segments implements playback.Source.
func (r *Recording) Segments() []int { return slices.Sorted(maps.Keys(r.Data)) }

// ReadSegment implements playback.Source.
func (r *Recording) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	r.Mu.Lock()
	r.reads[n]++
	err, data, reading := r.errs[n], r.Data[n], r.reading
	r.Mu.Unlock()
	if reading != nil {
		if err := reading(ctx, n); err != nil {
			return nil, err
		}
	}
	return data, err
}

// Log implements player.Recording.
func (r *Recording) Log() *tape.Description { return &r.Desc }

// Session implements player.Recording.
func (r *Recording) Session(ctx context.Context) (*playback.Session, error) {
	return playback.Open(ctx, r, playback.Options{Recording: ID})
}

// Follow implements player.Recording.
func (r *Recording) Follow(ctx context.Context) (player.Recording, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	if r.Later != nil {
		return r.Later, nil
	}
	return r, nil
}

// Agreements implements player.Recording.
func (r *Recording) Agreements([]media.Event, time.Duration) (map[string][]tape.Agreement, bool) {
	return r.Agreed, len(r.Agreed) > 0
}

// Words implements player.Recording.
func (r *Recording) Words(ctx context.Context) ([]tape.Words, error) {
	if r.Saying != nil {
		select {
		case <-r.Saying:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return r.Said, nil
}

// SetErr makes reading segment n fail. Nil lets it succeed again.
func (r *Recording) SetErr(n int, err error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.errs[n] = err
}

// OnRead has f called at each read from now on, which may wait, and counts reads
// anew.
func (r *Recording) OnRead(f func(ctx context.Context, n int) error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.reading = f
	clear(r.reads)
}

// Reads returns how often segments were read, by number.
func (r *Recording) Reads() map[int]int {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return maps.Clone(r.reads)
}

// New returns a player of a library.
func New(t testing.TB, c player.Config) *player.Player {
	t.Helper()
	p, err := player.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
