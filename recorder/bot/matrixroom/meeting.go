package matrixroom

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// ErrNobody says that nobody came in the time that there was to wait for somebody.
var ErrNobody = errors.New("nobody has begun the call")

// A Config says which call to join.
type Config struct {
	// Account is the recorder's. The meeting has it to itself, and does not close it.
	// Required.
	Account *matrix.Account
	// Room is an alias (#weekly:example.org) or an ID (!id:example.org). Required.
	Room string
	// Data is what others may read of the recorder in its membership.
	Data map[string]any
	// Name is what the user is called in the room while it records, as members see it.
	// "" means "Sealtape - recording".
	Name string
	// LiveKit is how to be in the LiveKit rooms of the call: Selection, Resume, Rejoin and
	// Log. The rest is set here.
	LiveKit livekit.Config
	// Home has the cards that may name Matrix accounts. Nil means that there are none.
	Home *keys.Home
	// Members has the cards of users for whom the operator vouches, by user ID. They count
	// for a user whose master key the operator has compared.
	Members map[string][]keys.Card
	// Services are the URLs of the token services that may be asked, as in a
	// matrix.CallConfig. Empty means those that members name, with bounds.
	Services []string
	// Plain lets a room pass that is not encrypted.
	Plain bool
	// Wait is how long to wait for somebody to begin the call: the recorder never does. 0
	// means for ever.
	Wait time.Duration
	// Say is called with a sentence for whoever runs the recorder, which may name people.
	// Any goroutine may call it. Nil drops them.
	Say func(text string)

	// Fakes of tests.
	open func(context.Context, matrix.CallConfig) (call, string, error)
	join func(context.Context, livekit.Config) (sfu, error)
}

// A call is what a *matrix.Call does, but for what opening it needs.
type call interface {
	Run(ctx context.Context) error
	Members() []matrix.Caller
	Enter(ctx context.Context) error
	Leave(ctx context.Context) error
	Own() (m rtc.Member, identity string, entered bool)
	Token(ctx context.Context, service string) (token.Token, error)
	Key() (index int, key []byte)
	Notice(ctx context.Context, text string) (event string, err error)
	MayNotice() error
	StickyOnly() error
	heard(m matrix.Caller) bool
	Watched() bool
	SetName(ctx context.Context, name string) error
}

// theCall is a *matrix.Call.
type theCall struct{ *matrix.Call }

func (c theCall) heard(m matrix.Caller) bool { return c.Heard(m.User, m.Device) }

// An sfu is what a *livekit.Room does.
type sfu interface {
	bot.Room
	recorder.Waiter
	Review(identity string)
	Publishing() []string
	RoundTrip() time.Duration
}

var (
	_ call = theCall{}
	_ sfu  = (*livekit.Room)(nil)
)

// Meeting returns the call of c for a bot to join. It may be joined once.
func Meeting(c Config) bot.Meeting {
	if c.Name == "" {
		c.Name = "Sealtape - recording"
	}
	if c.Say == nil {
		c.Say = func(string) {}
	}
	if c.join == nil {
		c.join = func(ctx context.Context, lk livekit.Config) (sfu, error) {
			room, err := livekit.Join(ctx, lk)
			if err != nil {
				return nil, err // not room: a nil *livekit.Room is no nil sfu
			}
			return room, nil
		}
	}
	if c.open == nil {
		c.open = c.openCall
	}
	var joined atomic.Pointer[room]
	m := bot.Meeting{Server: "matrix", Notice: livekit.NoticePeriod, LeftOut: c.LiveKit.Selection.LeftOut(), GoesOn: goesOn, Named: c.Members,
		Known: func(identity string) bot.Known {
			if r := joined.Load(); r != nil {
				return r.known(identity)
			}
			return bot.Known{}
		}}
	var rings *recorder.ParticipantKeys
	if !c.Plain {
		// As matrix-js-sdk has it: a ring of 256, and nobody ratchets.
		rings = recorder.NewParticipantKeys(indices, frame.KeyOptions{RatchetWindow: 10})
		m.Keys = rings
	}
	m.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
		r := newRoom(c, p, rings)
		joined.Store(r)
		if err := r.begin(ctx); err != nil {
			return nil, err
		}
		return r, nil
	}
	return m
}

// openCall opens the call of the account, and returns what it is called.
func (c Config) openCall(ctx context.Context, config matrix.CallConfig) (call, string, error) {
	id, servers, err := c.Account.ResolveRoom(ctx, c.Room)
	if err != nil {
		return nil, "", err // names the room
	}
	config.Room, config.Servers = id, servers
	opened, err := c.Account.OpenCall(ctx, config)
	if err != nil {
		return nil, "", err
	}
	return theCall{opened}, rtc.StateIdentity(c.Account.User(), c.Account.Device()), nil
}

// logOf returns where to log, without names.
func logOf(c Config, p bot.Presence) *slog.Logger {
	switch {
	case c.LiveKit.Log != nil:
		return c.LiveKit.Log
	case p.Log != nil:
		return p.Log
	}
	return slog.New(slog.DiscardHandler)
}

// goesOn reports whether the others may meet on: the recorder lost the room, or was made to
// leave it.
func goesOn(cause error) bool {
	for _, err := range []error{matrix.ErrLoggedOut, matrix.ErrRemoved, ErrSilenced, livekit.ErrReplaced, livekit.ErrHid, livekit.ErrToken, livekit.ErrLost} {
		if errors.Is(cause, err) {
			return true
		}
	}
	return false
}
