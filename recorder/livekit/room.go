// Package livekit joins LiveKit rooms as a recorder that everyone can see.
//
// No other package knows LiveKit. server-sdk-go connects, resumes and carries
// data; this package makes a recorder.Room of it. If a connection cannot be
// resumed, the recorder joins again by itself with a fresh token, and recognizes
// the members and tracks it knew. Frames stay encrypted here: this package never
// sees a key of members' media. It may have the recorder's own key, which
// encrypts what the recorder sends to the room.
//
// LiveKit reports a member who only listens to the others in batches, every three
// seconds. The recorder subscribes to no track before that time has passed, so
// every member's client has listed it before the first packet comes. After a
// short absence, members who knew of the recording, and not of its end, are
// received at once. Members who came meanwhile, and everyone after a longer
// absence, are given that time again.
package livekit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

const joinTimeout = 15 * time.Second

// Config says how to join.
type Config struct {
	// URL of the server: ws, wss, http or https. Required.
	URL string
	// Token admits the recorder. If it is "", TokenFunc returns one. If TokenFunc
	// is nil too, a token is minted for Room, Identity and Name with APIKey and
	// APISecret.
	Token string
	// TokenFunc returns a fresh token for the same room and identity. It is
	// called again for each rejoin, even if the recorder joined with Token, by
	// one goroutine at a time. ctx limits how long it may take. Nil means that a
	// recorder that joined with Token joins again with that, or with a token that
	// the server sent meanwhile, whichever lasts longer.
	TokenFunc         func(ctx context.Context) (string, error)
	APIKey, APISecret string
	// Room is the room's name. With Token it may be ""; otherwise it must match
	// the token's.
	Room string
	// Identity must be unique in the room: a second member with the same identity
	// makes the server remove the first. Name is what members see.
	Identity, Name string
	// Yield has Join refuse, with ErrOccupied, to take the place of a member who has the
	// Identity and shows that it records; and who comes back to the room after another
	// began a recording there ends with ErrReplaced. To look, it takes APIKey and
	// APISecret; without them it does not look.
	Yield bool
	// Replace has Join take that place all the same, and leaves the rest of Yield as it is: who
	// takes over from a recorder that died is replaced by the next one like any other.
	Replace bool
	// Attributes are shown to members, and to the server, with the name. They are
	// left out if Token does not allow them.
	Attributes map[string]string
	// Keys are the room's end-to-end keys. Nil means that the room has none. If
	// there is a key for Identity, the server cannot read what the recorder sends
	// to the room.
	Keys recorder.KeyProvider
	// Clear says that the recorder is to have no key of its own, so that the server can
	// read what it sends to the room.
	Clear bool
	// Passphrase gives shared Keys that are derived from it.
	Passphrase []byte
	// Resume is how long resuming a broken connection may take before the
	// recorder joins again. 0 means 10 s. The server keeps a member without media
	// for 15 s.
	Resume time.Duration
	// Selection is which of the members' media the recorder asks for.
	Selection Selection
	// Rejoin is how long the recorder may be absent from a room that it lost
	// before it gives up. 0 means 15 minutes. recorder.Never means that it does
	// not join again.
	Rejoin time.Duration
	// Reopen, if not nil, reports whether to join again a room that its server
	// closed because it was empty. attended is whether a person was ever there.
	// The recorder then tries to join until Close, and its join makes the room
	// anew if the server allows that. Nil means that it does not join again.
	Reopen func(attended bool) bool
	// Told says that members see elsewhere that there is a recorder, and what it
	// announces. Then the token may forbid it to send data, which it does not send then,
	// and nobody waits until LiveKit has shown the recorder to everybody.
	Told bool
	// Admit, if not nil, reports whether the tracks of a member may be received. It is
	// called by goroutines that must not wait; see Review. Nil means that all may.
	Admit func(identity string) bool
	// OnData, if not nil, is called with every user data packet, and reports
	// whether it handled the packet. from is the sender's identity. "" means a
	// sender that the server hides. It is called by the goroutines that read
	// data, from the join on, and must not wait.
	OnData func(topic, from string, data []byte) bool
	// Answer, if not nil, reports whether what a member writes (media.EventChat)
	// or dials (recorder.EventDialed) answers a question. Each member's last
	// answer is always handed out, whatever else members send; so Answer must
	// return false for anything else. What is dialed and is no answer is dropped.
	// The rules of OnData hold for its calls.
	Answer func(recorder.RoomEvent) bool
	// OnCall, if not nil, is called with every remote procedure call, at most 8 at once, each
	// in a goroutine of its own, and returns the answer. known is false for a method that
	// there is not. Who called, and the server, can read the answer and the text of an error.
	// ctx ends after 12 s, and when the room is lost.
	OnCall func(ctx context.Context, c Call) (answer string, known bool, err error)
	// OnBefore, if not nil, is called with the ID of a recording that, as the server says, is
	// of this meeting and has lost its recorder: where it shows one beside the recorder as the
	// attribute sealtape.follows, and where another recorder leaves without a word soon after
	// the join. The ID may be anything. It is called by one goroutine at a time, perhaps often,
	// also before Join returns, and must not wait.
	OnBefore func(id string)
	// Log gets the SDK's warnings, without tokens or names. Nil means no log.
	Log *slog.Logger
}

// A Room is a joined room. It implements recorder.Room.
type Room struct {
	c      Config
	name   string
	log    *slog.Logger
	events queue
	ended  chan struct{} // closed when the room is over
	closed chan struct{} // closed by Close
	cancel context.CancelFunc
	visits sync.WaitGroup // the goroutines that keep the recorder in the room
	calls  chan struct{}  // has one of each call that is being answered
	former formerSession  // of the goroutine that rejoins
	vacant atomic.Bool    // the server closed the room, and has not made it anew
	roster *recorder.Roster
	feed   sync.Mutex // held while the roster is updated and the event queued; before mu
	// seen are the members' appearances, and metadata the room's, as last reported.
	// Guarded by feed.
	seen     map[string]appearance
	metadata string

	mu        sync.Mutex
	s         *session // the current or the last one
	cause     error
	refreshed string // the server's newest token; "": none yet
	announced string // sent to every joining member; "": no Announce yet
	change    string // sent to them too
	state     string // the last argument of SetState
	// attributes are those of SetAttributes.
	attributes map[string]string
	receiving  bool // the first notice period is over: tracks may be subscribed to
	closeOnce  sync.Once
	endOnce    sync.Once
}

// Join checks the token, asks the server whether it accepts it, and joins. The
// token must not hide the recorder nor forbid it to send data. Errors wrap this
// package's sentinels. The caller closes the Room.
func Join(ctx context.Context, c Config) (*Room, error) {
	token := c.Token
	if token == "" {
		var err error
		if token, err = fresh(ctx, c); err != nil {
			return nil, err
		}
	}
	name, err := c.checkToken(token, c.Room)
	if err != nil {
		return nil, err
	}
	if err := preflight(ctx, c.URL, token); err != nil {
		return nil, err
	}
	if c.Yield && !c.Replace && c.APISecret != "" {
		if err := occupied(ctx, c, name); err != nil {
			return nil, err
		}
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if c.Keys == nil && c.Passphrase != nil {
		ring := frame.NewKeyring(0, frame.KeyOptions{})
		if err := ring.SetPassphrase(0, c.Passphrase); err != nil {
			return nil, fmt.Errorf("room passphrase: %w", err)
		}
		c.Keys = recorder.SharedKeys(ring)
	}
	c.Resume = cmp.Or(c.Resume, defaultResume)
	r := &Room{
		c: c, name: name, log: log,
		roster: recorder.NewRoster(),
		ended:  make(chan struct{}), closed: make(chan struct{}), calls: make(chan struct{}, maxCalls),
	}
	s, err := r.join(ctx, token)
	if err != nil {
		return nil, err
	}
	r.start(s)
	var run context.Context
	run, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.visits.Go(func() { r.stay(run, s) })
	return r, nil
}

// join joins for the first time. If the server is just closing the room, it tries
// again for as long as one attempt may take, since there is a new room in a
// moment.
func (r *Room) join(ctx context.Context, token string) (*session, error) {
	begun := time.Now()
	for wait := firstWait; ; wait *= 2 {
		s, err := r.connect(ctx, token)
		if err == nil || ctx.Err() != nil || errors.Is(err, errSDK) || errors.Is(err, ErrRemoved) || errors.Is(err, ErrReplaced) {
			return s, err
		}
		if time.Since(begun)+wait >= joinTimeout || pause(ctx, wait) != nil {
			return nil, err
		}
		r.log.Info("the room could not be joined, it is tried again", "err", err)
		if err := preflight(ctx, r.c.URL, token); err != nil {
			return nil, err
		}
	}
}

// Name implements recorder.Room.
func (r *Room) Name() string { return r.name }

// SID returns the server's ID of this meeting in the room. "" means that the
// server has not sent it. A room that the server closed and opened again has
// another SID. It does not block.
func (r *Room) SID() string {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	if sid := s.sid.Load(); sid != nil {
		return *sid
	}
	return ""
}

// Roster implements recorder.Lister.
func (r *Room) Roster() *recorder.Roster { return r.roster }

// Identity returns the recorder's own identity in the room.
func (r *Room) Identity() string {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	return s.room.LocalParticipant.Identity()
}

// Joined returns when the server let the recorder in last, by the server's clock, in
// milliseconds since 1970. 0 is unknown.
func (r *Room) Joined() int64 {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	r.feed.Lock()
	defer r.feed.Unlock()
	return s.list.since
}

// Connected implements recorder.Connector. If the room does not exist because its
// server closed it, the recorder does not count as absent.
func (r *Room) Connected() bool {
	select {
	case <-r.ended:
		return false
	default:
	}
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	return r.vacant.Load() || s.connected()
}

// Accept implements recorder.Room.
func (r *Room) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	for {
		e, ok, more := r.events.take()
		if ok {
			return e, nil
		}
		select {
		case <-more:
		case <-r.ended:
			if e, ok, _ := r.events.take(); ok {
				return e, nil // it was queued before
			}
			return recorder.RoomEvent{}, r.endError()
		case <-ctx.Done():
			return recorder.RoomEvent{}, ctx.Err()
		}
	}
}

func (r *Room) emit(e recorder.RoomEvent) { r.events.put(e, eventQueue, r.closed) }

// end ends the room with an error that wraps recorder.ErrEnded.
func (r *Room) end(err error) {
	r.endOnce.Do(func() {
		r.mu.Lock()
		r.cause = err
		r.mu.Unlock()
		close(r.ended)
	})
}

func (r *Room) endError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause
}

// Close implements recorder.Room. During a rejoin it may take as long as the
// current attempt.
func (r *Room) Close() error {
	r.closeOnce.Do(func() {
		r.mu.Lock()
		close(r.closed)
		r.mu.Unlock()
		r.cancel()
		r.visits.Wait()
		r.end(fmt.Errorf("%w: the recorder left", recorder.ErrEnded))
	})
	return nil
}

var (
	_ recorder.StateRoom = (*Room)(nil)
	_ recorder.Connector = (*Room)(nil)
	_ recorder.Lister    = (*Room)(nil)
)
