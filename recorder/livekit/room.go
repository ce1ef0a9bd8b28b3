// Package livekit joins LiveKit rooms as a recorder that everyone can see.
//
// It is the only package that knows LiveKit. Connecting, resuming and data
// channels are server-sdk-go's; what comes of it is a recorder.Room. Where a
// connection cannot be resumed the recorder joins again by itself, with a fresh
// token, and hands out the members and tracks it finds as those it knew. Frames
// stay encrypted here: this package never sees a media key, only, where it is
// given, the recorder's own one, which encrypts what it tells the room.
//
// LiveKit tells members of one who only listens in batches, every three
// seconds. The recorder subscribes to no track before that time has passed, so
// every member's client has listed it before the first packet comes. After a
// short absence members who were told of the recording, and not of its end, are
// received at once; those who came meanwhile, and everyone after a longer one,
// are given that time again.
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

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

const joinTimeout = 15 * time.Second

// Config says how to join.
type Config struct {
	// URL of the server: ws, wss, http or https. Required.
	URL string
	// Token admits the recorder. Where it is "", TokenFunc is asked for one, and
	// where that is nil, one is minted for Room, Identity and Name with APIKey
	// and APISecret.
	Token string
	// TokenFunc returns a fresh token for the same room and identity. It is
	// asked again each time the recorder has to join anew, also if it joined
	// with Token, by one goroutine at a time. ctx bounds how long it may take.
	// Without it a recorder that joined with Token joins anew with that, or with the
	// one that the server gave it while it was there, whichever lasts longer.
	TokenFunc         func(ctx context.Context) (string, error)
	APIKey, APISecret string
	// Room is the room's name; with Token it may be "", else it must match.
	Room string
	// Identity must be unique in the room: a second member of the same identity
	// throws the first out. Name is what members see.
	Identity, Name string
	// Attributes are shown to members, and to the server, with the name. With
	// a Token that does not allow them they are left out.
	Attributes map[string]string
	// Keys are the room's end-to-end keys, nil if it has none. Where there is one
	// for Identity, the server cannot read what the recorder tells the room.
	Keys recorder.KeyProvider
	// Passphrase is short for Keys that are shared and follow from it.
	Passphrase []byte
	// Resume is how long a broken connection may take to be resumed before the
	// recorder joins anew, 0 for 10 s. The server keeps a member whose media
	// stopped for 15 s.
	Resume time.Duration
	// Selection says what of the members' media is asked for.
	Selection Selection
	// Rejoin is how long the recorder may be away from a room that it lost before
	// it gives it up. 0 is 15 minutes; with recorder.Never it does not come back.
	Rejoin time.Duration
	// Reopen reports whether to come back to a room that its server closed because
	// nobody was in it any more, for whoever comes later; attended is whether a
	// person ever was. The recorder joins it again, and again, which makes it anew
	// where the server lets it, until Close. nil is never.
	Reopen func(attended bool) bool
	// OnData, if set, is given every user data packet, and reports whether it took
	// it. from is the sender's identity, "" for one that the server hides. It is
	// called by the goroutines that read data, from the moment of joining on, and
	// must not wait.
	OnData func(topic, from string, data []byte) bool
	// Answer, if set, reports whether what a member writes (media.EventChat) or dials
	// (recorder.EventDialed) is an answer to something they were asked. The last
	// answer of each is handed out whatever else they, and others, send: so what does
	// not count as one must not be called one. What is dialed and no answer is
	// dropped. It is called as OnData is.
	Answer func(recorder.RoomEvent) bool
	// Log takes the SDK's warnings, without tokens or names. nil discards them.
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
	ghost  ghost          // of the goroutine that rejoins
	vacant atomic.Bool    // the server closed the room, and it is not there yet again
	roster *recorder.Roster
	feed   sync.Mutex // held by who feeds the roster, and until that is queued; before mu
	// seen is how members look, and metadata are the room's, as far as that was told.
	// feed guards them.
	seen     map[string]look
	metadata string

	mu        sync.Mutex
	s         *session // the current one, or the last
	cause     error
	refreshed string // the server's newest token for the recorder, "" before one came
	announced string // what every joiner is told; "" before the first Announce
	change    string // and what they are told besides
	state     string // what SetState said last
	// attributes are what SetAttributes said
	attributes map[string]string
	receiving  bool // the first notice period is over: tracks may be subscribed to
	closeOnce  sync.Once
	endOnce    sync.Once
}

// Join checks the token, which must not hide the recorder nor keep it from
// sending data, asks the server whether it accepts it, and joins. Errors wrap
// this package's sentinels. The caller closes the Room.
func Join(ctx context.Context, c Config) (*Room, error) {
	token := c.Token
	if token == "" {
		var err error
		if token, err = fresh(ctx, c); err != nil {
			return nil, err
		}
	}
	name, err := checkToken(token, c.Room, time.Now())
	if err != nil {
		return nil, err
	}
	if err := preflight(ctx, c.URL, token); err != nil {
		return nil, err
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
		ended:  make(chan struct{}), closed: make(chan struct{}),
	}
	s, err := r.join(ctx, token)
	if err != nil {
		return nil, err
	}
	r.begin(s)
	var run context.Context
	run, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.visits.Go(func() { r.keep(run, s) })
	return r, nil
}

// join joins for the first time: again, for as long as one attempt may take, where the
// server is just closing the room, and there is another in a moment.
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

// The SDK's WebRTC stack logs to one logger of the whole process, whatever
// logger a room is given: names and URLs, to standard error. To replace it is
// safe only while no room runs, so it is done before there can be one.
func init() { lksdk.SetLogger(logger.GetDiscardLogger()) }

// Name implements recorder.Room.
func (r *Room) Name() string { return r.name }

// SID is the server's name for this meeting in the room, "" while it has not said it:
// one that the server closed and opened again has another. It does not block.
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

// Identity is the recorder's own identity in the room.
func (r *Room) Identity() string {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	return s.room.LocalParticipant.Identity()
}

// Connected implements recorder.Connector. A room that there is not, because its
// server closed it, is not away.
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

// Close implements recorder.Room. While the recorder tries to join again it may
// take as long as the attempt under way.
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
