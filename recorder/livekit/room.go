// Package livekit joins LiveKit rooms as a recorder that everyone can see.
//
// It is the only package that knows LiveKit. Connecting, resuming and data
// channels are server-sdk-go's; what comes of it is a recorder.Room. Frames
// stay encrypted here: this package never sees a media key, only, where it is
// given, the passphrase that encrypts what it tells the room.
//
// LiveKit tells members of one who only listens in batches, every three
// seconds. The recorder subscribes to no track before that time has passed, so
// every member's client has listed it before the first packet comes.
package livekit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// noticePeriod is LiveKit's batching interval for members who do not publish
// (subscriberUpdateInterval, 3 s, in pkg/rtc/room.go of livekit-server) and
// some time for the message to travel.
const noticePeriod = 3500 * time.Millisecond

// sendPeriod is what a message needs to leave the machine once it was handed to
// SCTP, which has no way to tell.
const sendPeriod = 300 * time.Millisecond

const (
	chatTopic   = "lk.chat" // the text stream topic that LiveKit's own clients show as chat
	eventQueue  = 1024      // when full, the SDK's callbacks wait
	joinTimeout = 15 * time.Second
)

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
	// Passphrase is the room's end-to-end passphrase, nil if it has none. With
	// it the server cannot read what the recorder tells the room.
	Passphrase []byte
	// Log takes the SDK's warnings, without tokens or names. nil discards them.
	Log *slog.Logger
}

// A Room is a joined room. It implements recorder.Room.
type Room struct {
	room   *lksdk.Room
	name   string
	log    *slog.Logger
	attrs  map[string]string
	joined time.Time
	events chan recorder.RoomEvent
	ended  chan struct{} // closed when the room is over
	closed chan struct{} // closed by Close
	away   atomic.Bool   // the SDK tries to get back

	mu        sync.Mutex
	reason    string
	announced string // what every joiner is told; "" before the first Announce
	receiving bool   // the notice period is over: tracks may be subscribed to
	tracks    map[*webrtc.TrackRemote]*track
	wanted    map[string]time.Time // by track: since when we have asked for it, unmuted
	present   map[string]bool      // identities whose join was told and whose leave was not
	closeOnce sync.Once
	endOnce   sync.Once
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
	r := &Room{
		name: name, log: log, attrs: c.Attributes,
		events: make(chan recorder.RoomEvent, eventQueue),
		ended:  make(chan struct{}), closed: make(chan struct{}),
		tracks: make(map[*webrtc.TrackRemote]*track), present: make(map[string]bool), wanted: make(map[string]time.Time),
	}
	opts := []lksdk.ConnectOption{
		// Nothing is received before the room was told: see Announce.
		lksdk.WithAutoSubscribe(false),
		lksdk.WithConnectTimeout(joinTimeout),
		lksdk.WithLogger(logger.GetDiscardLogger()), // the SDK's logs name people and URLs
		lksdk.WithInterceptors([]interceptor.Factory{audioNACK{}}),
		lksdk.WithIncludeDefaultInterceptors(true),
	}
	if c.Passphrase != nil {
		keys := e2ee.NewExternalKeyProvider()
		if err := keys.SetKeyFromPassphrase(string(c.Passphrase), 0); err != nil {
			return nil, fmt.Errorf("room passphrase: %w", err)
		}
		opts = append(opts, lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: keys}))
	}
	r.room = lksdk.NewRoom(r.callbacks())
	if err := r.room.JoinWithContextAndToken(ctx, c.URL, token, opts...); err != nil {
		return nil, fmt.Errorf("joining the room: %w", err)
	}
	r.joined = time.Now()
	for _, p := range r.room.GetRemoteParticipants() {
		r.came(p)
	}
	return r, nil
}

// The SDK's WebRTC stack logs to one logger of the whole process, whatever
// logger a room is given: names and URLs, to standard error. To replace it is
// safe only while no room runs, so it is done before there can be one.
func init() { lksdk.SetLogger(logger.GetDiscardLogger()) }

func (r *Room) callbacks() *lksdk.RoomCallback {
	cb := &lksdk.RoomCallback{
		OnParticipantConnected: func(p *lksdk.RemoteParticipant) {
			r.came(p)
			r.mu.Lock()
			text := r.announced
			r.mu.Unlock()
			if text != "" {
				r.say(text, p.Identity())
			}
		},
		OnParticipantDisconnected: func(p *lksdk.RemoteParticipant) {
			identity := p.Identity()
			r.mu.Lock()
			delete(r.present, identity)
			r.mu.Unlock()
			r.emit(recorder.RoomEvent{Type: media.EventLeave, Participant: p.Identity()})
		},
		OnReconnecting: func() { r.away.Store(true) },
		OnReconnected: func() {
			r.away.Store(false)
			r.emit(recorder.RoomEvent{Type: media.EventReconnect})
			r.mu.Lock()
			receiving := r.receiving
			r.mu.Unlock()
			if receiving {
				r.subscribe() // a full reconnect starts with no subscription
			}
		},
		OnDisconnectedWithReason: func(why lksdk.DisconnectionReason) { r.end(string(why)) },
	}
	cb.OnTrackPublished = func(pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		r.mu.Lock()
		receiving := r.receiving
		r.mu.Unlock()
		if receiving {
			r.want(pub)
		}
	}
	cb.OnTrackSubscribed = func(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		sid := pub.SID()
		r.mu.Lock()
		wanted := r.wanted[sid]
		delete(r.wanted, sid)
		r.mu.Unlock()
		// The SDK has locks of its own: none of its methods is called with ours.
		t := newTrack(remote, pub, p, r.room.SifTrailer(), wanted)
		r.mu.Lock()
		r.tracks[remote] = t
		r.mu.Unlock()
		r.emit(recorder.RoomEvent{Type: media.EventTrack, Participant: p.Identity(), Name: p.Name(), Track: t})
		if pub.IsMuted() {
			r.emit(recorder.RoomEvent{Type: media.EventMute, Participant: p.Identity(), TrackID: pub.SID()})
		}
	}
	cb.OnTrackUnsubscribed = func(remote *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		r.mu.Lock()
		t := r.tracks[remote]
		delete(r.tracks, remote)
		r.mu.Unlock()
		if t != nil {
			t.end()
		}
	}
	cb.OnTrackUnpublished = func(pub *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		r.notWanted(pub.SID())
	}
	cb.OnTrackSubscriptionFailed = func(sid string, p *lksdk.RemoteParticipant) {
		r.emit(recorder.RoomEvent{Type: media.EventGap, Participant: p.Identity(), TrackID: sid, Reason: "subscription"})
	}
	cb.OnTrackMuted = func(pub lksdk.TrackPublication, p lksdk.Participant) {
		r.notWanted(pub.SID())
		r.emit(recorder.RoomEvent{Type: media.EventMute, Participant: p.Identity(), TrackID: pub.SID()})
	}
	cb.OnTrackUnmuted = func(pub lksdk.TrackPublication, p lksdk.Participant) {
		r.emit(recorder.RoomEvent{Type: media.EventUnmute, Participant: p.Identity(), TrackID: pub.SID()})
	}
	return cb
}

// came tells of a member, once: whoever joins while we do is both in the
// server's list and in a callback.
func (r *Room) came(p *lksdk.RemoteParticipant) {
	identity := p.Identity()
	r.mu.Lock()
	told := r.present[identity]
	r.present[identity] = true
	r.mu.Unlock()
	if !told {
		r.emit(recorder.RoomEvent{Type: media.EventJoin, Participant: p.Identity(), Name: p.Name()})
	}
}

// Connected implements recorder.Connector.
func (r *Room) Connected() bool {
	select {
	case <-r.ended:
		return false
	default:
		return !r.away.Load()
	}
}

// Name implements recorder.Room.
func (r *Room) Name() string { return r.name }

// Announce implements recorder.Room: it sends text as a chat message, to those
// present now and to whoever joins later. The first call returns, and starts to
// receive media, when LiveKit has told every member that the recorder is here.
func (r *Room) Announce(ctx context.Context, text string) error {
	r.mu.Lock()
	first := r.announced == ""
	r.announced = cmp.Or(text, r.announced)
	r.mu.Unlock()
	if first && len(r.attrs) > 0 {
		r.room.LocalParticipant.SetAttributes(r.attrs)
	}
	sent := r.say(text, "")
	if !first {
		// Closing the room drops what is still on its way: give it a moment.
		select {
		case <-sent:
			return pause(ctx, sendPeriod)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	wait := time.NewTimer(time.Until(r.joined.Add(noticePeriod)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return r.endError()
	}
	r.subscribe()
	return nil
}

// pause waits for d, or for the end of ctx, and returns its error then.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// say sends a chat message to one member, or to all if identity is "". The SDK
// writes it in the background; the channel is closed when it handed it to the
// network stack.
func (r *Room) say(text, identity string) <-chan struct{} {
	size := uint64(len(text))
	o := lksdk.StreamTextOptions{Topic: chatTopic, TotalSize: size}
	if identity != "" {
		o.DestinationIdentities = []string{identity}
	}
	sent := make(chan struct{})
	w := r.room.LocalParticipant.StreamText(o)
	done := func() {
		w.Close()
		close(sent)
	}
	w.Write(text, &done)
	return sent
}

// subscribe asks for all tracks there are; those that come later are asked for
// as they are published.
func (r *Room) subscribe() {
	r.mu.Lock()
	r.receiving = true
	r.mu.Unlock()
	for _, p := range r.room.GetRemoteParticipants() {
		for _, pub := range p.TrackPublications() {
			if pub, ok := pub.(*lksdk.RemoteTrackPublication); ok {
				r.want(pub)
			}
		}
	}
}

func (r *Room) notWanted(sid string) {
	r.mu.Lock()
	delete(r.wanted, sid)
	r.mu.Unlock()
}

func (r *Room) want(pub *lksdk.RemoteTrackPublication) {
	if sid := pub.SID(); !pub.IsMuted() {
		r.mu.Lock()
		r.wanted[sid] = time.Now()
		r.mu.Unlock()
	}
	if err := pub.SetSubscribed(true); err != nil {
		r.log.Warn("a track could not be subscribed to", "track", pub.SID(), "err", err)
	}
}

// Accept implements recorder.Room.
func (r *Room) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	select {
	case e := <-r.events:
		return e, nil
	default:
	}
	select {
	case e := <-r.events:
		return e, nil
	case <-r.ended:
		return recorder.RoomEvent{}, r.endError()
	case <-ctx.Done():
		return recorder.RoomEvent{}, ctx.Err()
	}
}

func (r *Room) emit(e recorder.RoomEvent) {
	e.At = time.Now()
	select {
	case r.events <- e:
	case <-r.closed:
	}
}

func (r *Room) end(reason string) {
	r.endOnce.Do(func() {
		r.mu.Lock()
		r.reason = reason
		r.mu.Unlock()
		close(r.ended)
	})
}

func (r *Room) endError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Errorf("%w: %s", recorder.ErrEnded, r.reason)
}

// Close implements recorder.Room.
func (r *Room) Close() error {
	r.closeOnce.Do(func() {
		close(r.closed)
		r.mu.Lock()
		tracks := r.tracks
		r.tracks = make(map[*webrtc.TrackRemote]*track)
		r.mu.Unlock()
		for _, t := range tracks {
			t.end()
		}
		r.room.Disconnect()
		r.end(string(lksdk.LeaveRequested))
	})
	return nil
}

var (
	_ recorder.Room      = (*Room)(nil)
	_ recorder.Connector = (*Room)(nil)
)
