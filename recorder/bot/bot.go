package bot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

// A Stage is what Record is at.
type Stage string

// The stages of a recording, in their order. That it records is told by its Status,
// which begins while the room is told.
const (
	TryingStores Stage = "trying the store"
	Joining      Stage = "joining the room"
	Telling      Stage = "telling the room"
	Ending       Stage = "ending"
	Storing      Stage = "storing the rest" // what is left in the spool; it may take long
)

// A Result says what became of a recording.
type Result struct {
	// ID is the recording's, "" if there was none yet.
	ID string
	recorder.Report
	// Unopened is media that did not open, as far as a cause was found, one of each kind
	// for each member.
	Unopened []recorder.Unopened
}

// A Bot records one meeting once. Its methods are safe for concurrent use.
type Bot struct {
	c       Config
	signer  Signer
	log     *slog.Logger
	door    doorkeeper
	monitor *monitor
	begun   atomic.Bool
	kept    atomic.Bool                       // a segment was begun: there is something to store
	rec     atomic.Pointer[recorder.Recorder] // nil before the room is joined

	mu    sync.Mutex
	id    string
	stage Stage
}

// New checks c and returns the Bot. An incomplete Config is an error, and so are keys
// that are not a recorder's (ErrRole), a card that does not count any more (ErrOwnCard),
// no reader (ErrNoReaders) and too many (ErrReaders).
func New(c Config) (*Bot, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if c.Home != nil {
		if err := CheckCard(c.Home); err != nil {
			return nil, err
		}
	}
	signer, err := NewSigner(c.Home, c.Identity)
	if err != nil {
		return nil, err
	}
	b := &Bot{c: c, signer: signer, log: c.Log, monitor: newMonitor(len(c.Stores))}
	b.door.tell, b.door.notices = c.Unopened, c.Policy.Notices == NoticesAll
	return b, nil
}

// Record records a meeting as c says: New, and (*Bot).Record.
func Record(ctx context.Context, c Config) (Result, error) {
	b, err := New(c)
	if err != nil {
		return Result{}, err
	}
	return b.Record(ctx)
}

// Pause stops to keep what the room sends, as recorder.Recorder's Pause. The error is
// recorder.ErrNotRecording while there is no recording.
func (b *Bot) Pause(ctx context.Context, reason string) error {
	if rec := b.rec.Load(); rec != nil {
		return rec.Pause(ctx, reason)
	}
	return recorder.ErrNotRecording
}

// Resume lets a paused recording go on.
func (b *Bot) Resume(ctx context.Context) error {
	if rec := b.rec.Load(); rec != nil {
		return rec.Resume(ctx)
	}
	return recorder.ErrNotRecording
}

// Status returns the recording as it stands, at any time.
func (b *Bot) Status() Status {
	s := b.monitor.read(time.Now())
	b.mu.Lock()
	defer b.mu.Unlock()
	s.ID, s.Stage = b.id, b.stage
	return s
}

// whole reports whether members read all once they attend.
func (b *Bot) whole() bool { return b.c.Policy.Access == AccessWhole }

// admits reports whether others may read than those who read all.
func (b *Bot) admits() bool { return len(b.c.Members) > 0 || b.c.Policy.Readers == ReadersVerified }

// keepsWhole reports whether who comes is admitted to all of the recording: then it
// keeps one epoch.
func (b *Bot) keepsWhole() bool { return b.whole() && b.admits() }

// enter comes to the next stage.
func (b *Bot) enter(s Stage) {
	b.mu.Lock()
	b.stage = s
	b.mu.Unlock()
	if b.c.Stage != nil {
		b.c.Stage(s)
	}
}

// say tells who runs the recorder something that names people.
func (b *Bot) say(format string, args ...any) {
	if b.c.Say != nil {
		b.c.Say(fmt.Sprintf(format, args...))
	}
}
