package livekit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

const defaultResume = 10 * time.Second

// A session is one stay in the room: from a join until the connection cannot be
// resumed. The SDK resumes. The SDK would also join again by itself, with a token
// that may have expired; it would then treat those who left meanwhile as present
// and those present as new. So this package joins again itself: see Room.stay.
type session struct {
	r      *Room
	room   *lksdk.Room
	joined time.Time
	sid    atomic.Pointer[string]  // the room's; nil while the server has not said it
	visit  atomic.Pointer[visitor] // the recorder as the server has it; nil before the join
	begun  atomic.Bool             // joined: another peer connection means that the SDK joins again
	left   atomic.Bool             // the server ended it: the SDK is not to join at another region
	// foreign: the connection is another member's, and nothing is to be said on it.
	foreign atomic.Bool
	lost    chan lkproto.DisconnectReason // why the session ended first
	over    chan struct{}                 // closed when the SDK has given up and does nothing more

	list listing

	mu            sync.Mutex
	entered       bool        // it is or was the room's session; before that, its events do not count
	finished      bool        // finish was called: its events no longer count
	resumingSince time.Time   // since when the SDK tries to resume; zero: it does not
	resumeTimer   *time.Timer // runs while resumingSince is not zero
	tracks        map[*webrtc.TrackRemote]*track
	requests      trackRequests
	leftOut       map[string]bool // tracks that the recorder does not ask for, by ID
	waits         map[string]bool // members who need notice first: none of their tracks are received
	overOnce      sync.Once
	finishOnce    sync.Once
	gone          chan struct{} // closed when finished
	fatal         chan error    // why the session must end: see watch
	streams       *streams      // data streams of members
	transcribers  transcribers  // who writes down what is said
}

// connect joins the room, once.
func (r *Room) connect(ctx context.Context, token string) (*session, error) {
	s := &session{r: r, streams: newStreams(roomBounds), lost: make(chan lkproto.DisconnectReason, 1), over: make(chan struct{}), gone: make(chan struct{}), fatal: make(chan error, 1),
		tracks: make(map[*webrtc.TrackRemote]*track), leftOut: make(map[string]bool)}
	opts := []lksdk.ConnectOption{
		// Nothing is received before the room was given notice: see Announce.
		lksdk.WithAutoSubscribe(false),
		lksdk.WithConnectTimeout(joinTimeout),
		lksdk.WithLogger(logger.GetDiscardLogger()), // the SDK's logs have names and URLs
		lksdk.WithInterceptors([]interceptor.Factory{audioNACK{}, oneConnection{s}}),
		lksdk.WithIncludeDefaultInterceptors(true),
	}
	if o := dataEncryption(r.c.Keys, identityIn(token)); o != nil {
		opts = append(opts, o)
	} else if r.c.Keys != nil && !r.c.Clear {
		r.log.Warn("the recorder has no key of its own in this room: the server can read what it tells the members")
	}
	s.room = lksdk.NewRoom(s.callbacks())
	if err := readSignals(s); err != nil {
		return nil, err
	}
	handler, err := s.handleEngine()
	if err != nil {
		return nil, err
	}
	// If the server removes the recorder during the join, the SDK waits until
	// joinTimeout, and cannot be stopped. It does nothing else then, so nobody
	// waits for it.
	joined := make(chan error, 1)
	go func() { joined <- s.room.JoinWithContextAndToken(ctx, r.c.URL, token, opts...) }()
	select {
	case err = <-joined:
	case why := <-s.lost:
		err = thrownOut(why)
	}
	if err == nil {
		select {
		case why := <-s.lost: // in the same moment
			err = thrownOut(why)
		default:
		}
	}
	if err != nil {
		s.finish()
		return nil, fmt.Errorf("joining the room: %w", err)
	}
	if err := handler.dataErr.Load(); err != nil {
		s.finish()
		return nil, *err
	}
	s.begun.Store(true)
	s.joined = time.Now()
	r.visits.Go(s.watch)
	r.visits.Go(func() { // it may come some time after the join, or not before the room is left
		if sid := s.room.SID(); sid != "" {
			s.sid.Store(&sid)
		}
	})
	return s, nil
}

// thrownOut returns the error of a join that the server ended.
func thrownOut(why lkproto.DisconnectReason) error {
	switch why {
	case lkproto.DisconnectReason_PARTICIPANT_REMOVED:
		return ErrRemoved
	case lkproto.DisconnectReason_DUPLICATE_IDENTITY:
		return ErrReplaced
	}
	return fmt.Errorf("the server ended that: %s", why)
}

var errJoinsAnew = errors.New("joining anew is not the SDK's")

// oneConnection is an interceptor that does nothing, but cannot be made for a
// second set of peer connections. So the SDK cannot join again.
type oneConnection struct{ s *session }

// NewInterceptor implements interceptor.Factory.
func (o oneConnection) NewInterceptor(string) (interceptor.Interceptor, error) {
	if o.s.begun.Load() {
		o.s.lose(lkproto.DisconnectReason_STATE_MISMATCH)
		return nil, errJoinsAnew
	}
	return &interceptor.NoOp{}, nil
}

// lose ends the session for reason, unless it has ended.
func (s *session) lose(reason lkproto.DisconnectReason) {
	select {
	case s.lost <- reason:
	default:
	}
}

// alive reports whether the session's events still count.
func (s *session) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entered && !s.finished
}

// connected reports whether the session is connected to its server.
func (s *session) connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.finished && s.resumingSince.IsZero()
}

// since returns when the session became useless: now, or when the SDK began to
// resume.
func (s *session) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resumingSince.IsZero() {
		return time.Now()
	}
	return s.resumingSince
}

// finish ends the session's tracks and leaves, without waiting for the server.
// Its events no longer count.
func (s *session) finish() {
	s.streamed(s.streams.giveUp())
	s.mu.Lock()
	s.finished = true
	tracks := s.tracks
	s.tracks = nil
	if s.resumeTimer != nil {
		s.resumeTimer.Stop()
	}
	s.mu.Unlock()
	s.finishOnce.Do(func() { close(s.gone) })
	for _, t := range tracks {
		t.end()
	}
	s.room.Disconnect()
}

// ended is closed by finish.
func (s *session) ended() <-chan struct{} { return s.gone }

// isFinished reports whether finish was called.
func (s *session) isFinished() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// isOver reports whether the SDK will do nothing more in this session.
func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// callbacks are called by the SDK, in its own goroutines. A fault in one counts
// as a fault of the member it is about.
func (s *session) callbacks() *lksdk.RoomCallback {
	r := s.r
	cb := &lksdk.RoomCallback{
		OnReconnecting: s.reconnecting,
		OnReconnected:  s.resumed,
		OnDisconnected: func() {
			s.lose(s.room.DisconnectReason())
			s.overOnce.Do(func() { close(s.over) })
		},
	}
	cb.OnTrackPublished = func(pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		s.contain(p.Identity(), func() {
			if r.mayReceive(s, p.Identity()) {
				s.want(pub, p)
			}
		})
	}
	cb.OnTrackSubscribed = func(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		s.contain(p.Identity(), func() { s.subscribed(remote, pub, p) })
	}
	cb.OnTrackUnsubscribed = func(remote *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		s.contain(p.Identity(), func() {
			s.mu.Lock()
			t := s.tracks[remote]
			delete(s.tracks, remote)
			s.mu.Unlock()
			if t != nil {
				t.end()
			}
		})
	}
	cb.OnTrackUnpublished = func(pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		s.contain(p.Identity(), func() {
			s.requests.take(pub.SID())
			s.mu.Lock()
			delete(s.leftOut, pub.SID())
			s.mu.Unlock()
		})
	}
	cb.OnTrackSubscriptionFailed = func(sid string, p *lksdk.RemoteParticipant) {
		s.contain(p.Identity(), func() {
			s.emit(recorder.RoomEvent{Type: media.EventHole, Participant: p.Identity(), TrackID: sid, Reason: "subscription"})
		})
	}
	cb.OnTrackMuted = func(pub lksdk.TrackPublication, p lksdk.Participant) { s.muted(pub, p, true) }
	cb.OnTrackUnmuted = func(pub lksdk.TrackPublication, p lksdk.Participant) { s.muted(pub, p, false) }
	s.listen(cb)
	return cb
}

// muted handles that a track was muted or unmuted.
func (s *session) muted(pub lksdk.TrackPublication, p lksdk.Participant, on bool) {
	s.contain(p.Identity(), func() {
		s.requests.mute(pub.SID(), on)
		e := recorder.RoomEvent{Type: media.EventUnmute, Participant: p.Identity(), TrackID: pub.SID()}
		if on {
			e.Type = media.EventMute
		}
		s.emit(e)
	})
}

// contain calls f, which handles one member. It reports a fault in f as an event.
func (s *session) contain(identity string, f func()) {
	if err := fault.Contain(f); err != nil {
		s.r.log.Error("a member could not be followed", "err", err)
		s.emit(recorder.RoomEvent{Type: media.EventHole, Participant: identity, Reason: media.HoleFault})
	}
}

// emit hands out an event of a session that is not over.
func (s *session) emit(e recorder.RoomEvent) {
	if s.alive() {
		s.r.emit(e)
	}
}

func (s *session) subscribed(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
	sid := pub.SID()
	wanted, offered := s.requests.take(sid)
	// The SDK has locks of its own: never call it with ours held.
	t := s.newTrack(remote, pub, p, wanted, offered)
	s.mu.Lock()
	if s.finished {
		s.mu.Unlock()
		return
	}
	s.tracks[remote] = t
	s.mu.Unlock()
	s.r.emit(recorder.RoomEvent{Type: media.EventTrack, Participant: p.Identity(), Name: p.Name(), Track: t})
	if pub.IsMuted() {
		s.r.emit(recorder.RoomEvent{Type: media.EventMute, Participant: p.Identity(), TrackID: sid})
	}
}

// want asks the server for a track, unless it is left out.
func (s *session) want(pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
	if hasCome(pub) || s.leaveOut(pub, p) {
		return
	}
	s.requests.add(recorder.TrackInfo{ID: pub.SID(), Participant: p.Identity(), Name: p.Name(), Source: source(pub.Source())}, pub.IsMuted())
	s.ask(pub)
}

// hasCome reports whether a track has come. The SDK's own IsSubscribed says the same without
// the lock under which it comes (v2.18.1).
func hasCome(pub *lksdk.RemoteTrackPublication) bool { return pub.TrackRemote() != nil }

// offer returns what the server is ready to send, by its last description, once
// media can come.
func (s *session) offer() string {
	pc := s.room.LocalParticipant.GetSubscriberPeerConnection()
	if pc == nil || pc.ConnectionState() != webrtc.PeerConnectionStateConnected {
		return ""
	}
	d := pc.CurrentRemoteDescription() // answered, so that it is in force
	if d == nil {
		return ""
	}
	return d.SDP
}

// ask asks the server for a track, in the size of the Selection.
func (s *session) ask(pub *lksdk.RemoteTrackPublication) {
	if err := pub.SetSubscribed(true); err != nil {
		s.r.log.Warn("a track could not be subscribed to", "track", pub.SID(), "err", err)
	}
	if pub.Kind() == lksdk.TrackKindVideo {
		// Most servers send the largest without being asked.
		if err := pub.SetVideoQuality(s.r.c.Selection.quality(pub.TrackInfo(), pub.MimeType())); err != nil {
			s.r.log.Warn("a size of pictures could not be asked for", "track", pub.SID(), "err", err)
		}
	}
}

// leaveOut reports whether a track is left out, and reports it to the recorder
// once.
func (s *session) leaveOut(pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) bool {
	why := s.r.c.Selection.leavesOut(pub.Source(), pub.Kind() == lksdk.TrackKindVideo)
	if why == "" {
		return false
	}
	s.mu.Lock()
	told := s.leftOut[pub.SID()]
	s.leftOut[pub.SID()] = true
	s.mu.Unlock()
	if !told {
		s.emit(recorder.RoomEvent{Type: media.EventLeftOut, Participant: p.Identity(), Text: string(source(pub.Source())), Reason: why})
	}
	return true
}

// reconnecting is called when the SDK tries to resume. The SDK waits for it.
func (s *session) reconnecting() {
	s.mu.Lock()
	if s.finished || !s.resumingSince.IsZero() || !s.begun.Load() {
		s.mu.Unlock()
		return
	}
	s.resumingSince = time.Now()
	s.resumeTimer = time.AfterFunc(s.r.c.Resume, func() { s.lose(lkproto.DisconnectReason_CONNECTION_TIMEOUT) })
	s.mu.Unlock()
	s.awaitGathering()
}

// gatherTime is how long pion waits for an answer from a STUN server, and more.
const gatherTime = 6 * time.Second

// awaitGathering waits until no ICE candidates are being gathered: resuming sets the
// servers anew, and pion reads them while it gathers.
func (s *session) awaitGathering() {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	late := time.NewTimer(gatherTime)
	defer late.Stop()
	me := s.room.LocalParticipant
	for _, pc := range []*webrtc.PeerConnection{me.GetSubscriberPeerConnection(), me.GetPublisherPeerConnection()} {
		for pc != nil && pc.ICEGatheringState() == webrtc.ICEGatheringStateGathering {
			select {
			case <-every.C:
			case <-late.C:
				return
			case <-s.ended():
				return
			}
		}
	}
}

// resumed is called when the SDK has resumed.
func (s *session) resumed() {
	s.mu.Lock()
	since := s.resumingSince
	if s.finished || since.IsZero() {
		s.mu.Unlock()
		return
	}
	s.resumingSince = time.Time{}
	s.resumeTimer.Stop()
	s.mu.Unlock()
	s.r.emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: media.ReconnectResume})
	s.r.subscribe(s) // the server did not get requests made meanwhile
}
