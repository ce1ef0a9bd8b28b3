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

// A Stage says what Record is doing.
type Stage string

// The stages of a recording, in their order. While it records there is no Stage of its
// own after Telling: Status says how it goes.
const (
	TryingStores Stage = "trying the store"
	Joining      Stage = "joining the room"
	Telling      Stage = "telling the room"
	Ending       Stage = "ending"
	Storing      Stage = "storing the rest" // what is left in the spool; it may take long
)

// A Result says how a recording went.
type Result struct {
	// ID is the ID of the recording. "" means that none was begun.
	ID string
	recorder.Report
	// Unopened is the media that did not open and for which a cause was found: one entry
	// for each member and cause.
	Unopened []recorder.Unopened
}

// A Bot records one meeting once. Its methods are safe for concurrent use.
type Bot struct {
	c       Config
	signer  Signer
	log     *slog.Logger
	door    doorkeeper
	monitor *monitor
	before  before
	begun   atomic.Bool
	rec     atomic.Pointer[recorder.Recorder] // nil before the room is joined

	mu    sync.Mutex
	id    string
	stage Stage
}

// New checks c and returns a Bot. The error wraps ErrRole if the identity is not a
// recorder's, ErrOwnCard if its card does not count, ErrNoReaders if there is no reader,
// and ErrReaders if there are too many. Other errors say what c lacks.
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

// Record records a meeting as c says. It calls New and (*Bot).Record.
func Record(ctx context.Context, c Config) (Result, error) {
	b, err := New(c)
	if err != nil {
		return Result{}, err
	}
	return b.Record(ctx)
}

// Pause pauses the recording: nothing is kept until Resume. See Pause of
// recorder.Recorder. The error is recorder.ErrNotRecording if there is no recording.
func (b *Bot) Pause(ctx context.Context, reason string) error {
	if rec := b.rec.Load(); rec != nil {
		return rec.Pause(ctx, reason)
	}
	return recorder.ErrNotRecording
}

// Resume continues a paused recording. The error is recorder.ErrNotRecording if there is
// no recording.
func (b *Bot) Resume(ctx context.Context) error {
	if rec := b.rec.Load(); rec != nil {
		return rec.Resume(ctx)
	}
	return recorder.ErrNotRecording
}

// Status returns the present state of the recording. It may be called at any time.
func (b *Bot) Status() Status {
	s := b.monitor.read(time.Now())
	b.mu.Lock()
	defer b.mu.Unlock()
	s.ID, s.Stage = b.id, b.stage
	return s
}

// whole reports whether members who attend can open all of the recording.
func (b *Bot) whole() bool { return b.c.Policy.Access == AccessWhole }

// admits reports whether there may be readers besides those of the Config.
func (b *Bot) admits() bool {
	return len(b.c.Members) > 0 || len(b.c.Meeting.Named) > 0 || b.c.Policy.Readers == ReadersVerified
}

// keepsWhole reports whether members who come are admitted to all of the recording. Then
// it has one epoch.
func (b *Bot) keepsWhole() bool { return b.whole() && b.admits() }

// enter sets the next stage.
func (b *Bot) enter(s Stage) {
	b.mu.Lock()
	b.stage = s
	b.mu.Unlock()
	if b.c.Stage != nil {
		b.c.Stage(s)
	}
}

// say calls Config.Say.
func (b *Bot) say(format string, args ...any) {
	if b.c.Say != nil {
		b.c.Say(fmt.Sprintf(format, args...))
	}
}
