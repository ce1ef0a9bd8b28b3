package livekit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/server-sdk-go/v2/signalling"
	"github.com/pion/webrtc/v4"
	"github.com/twitchtv/twirp"
	"google.golang.org/protobuf/proto"
)

// A server knows who resumes by the identity alone. In v1.11 it takes up whoever has that
// now, and not only the visit that the client had: a recorder that was cut off, or whose
// process stood still, and was replaced meanwhile, gets its successor's connection, and its
// leave is the successor's. And where resuming fails the SDK joins anew, upon which the
// server throws the successor out. So the recorder stands between the SDK and the
// connection.

var errNotOurs = errors.New("the server has another member under the recorder's identity")

// errOver: whoever comes now has the next session.
var errOver = errors.New("the session is over")

// errAbsent: the server has nobody under the recorder's identity.
var errAbsent = errors.New("the server has dropped the recorder")

// resumeLook is how long it may take to ask the server whom it has.
const resumeLook = 3 * time.Second

// A transport carries the messages of one session to its server, and of no other.
type transport struct {
	signalling.SignalTransport
	s        *session
	resuming atomic.Bool // there is a connection of which it is not known whose it is
}

// takeTransport stands between the SDK and its transport. It must be called before the first
// message is read.
func (h *engineHandler) takeTransport() error {
	t := partOf[signalling.SignalTransport](h.engine, "signalTransport")
	if t == nil {
		return errSDK
	}
	if _, ours := (*t).(*transport); !ours { // each region that a join is tried at comes here
		*t = &transport{SignalTransport: *t, s: h.s}
	}
	return nil
}

// Join implements signalling.SignalTransport. It joins only for the first time.
func (t *transport) Join(ctx context.Context, url, token string, c signalling.ConnectParams, tracks []*lkproto.AddTrackRequest, offer webrtc.SessionDescription) error {
	if t.s.begun.Load() {
		t.s.lose(lkproto.DisconnectReason_STATE_MISMATCH)
		return errJoinsAnew
	}
	return t.SignalTransport.Join(ctx, url, token, c, tracks, offer)
}

// Reconnect implements signalling.SignalTransport. It resumes no visit but that of the session.
// The SDK tries one region after the other, also long after the session is over: then the
// recorder itself may be there already, in its next one.
func (t *transport) Reconnect(ctx context.Context, url, token string, c signalling.ConnectParams, sid string) error {
	if t.s.isFinished() {
		return errOver
	}
	if err := t.s.resumable(ctx); err != nil {
		t.s.replaced(err)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.s.ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	t.resuming.Store(true)
	err := t.SignalTransport.Reconnect(ctx, url, token, c, sid)
	if t.s.isFinished() {
		t.s.foreign.Store(true)
		t.SignalTransport.Close()
		err = cmp.Or(err, errOver)
	}
	t.resuming.Store(false)
	return err
}

// SendMessage implements signalling.SignalTransport. What it would send for another is dropped.
func (t *transport) SendMessage(m proto.Message) error {
	if t.s.foreign.Load() {
		return errNotOurs
	}
	if t.resuming.Load() && t.s.isFinished() { // its leave may be taken for that of the next
		return errOver
	}
	return t.SignalTransport.SendMessage(m)
}

// resumable returns why the session cannot be resumed: the server has nobody of this visit any
// more. Where the recorder cannot ask, or gets no answer, it may be: see notOurs.
func (s *session) resumable(ctx context.Context) error {
	if !s.r.looks() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, resumeLook)
	defer cancel()
	p, err := whom(ctx, s.r.config(), s.r.name, s.self().identity)
	var refused twirp.Error
	switch {
	case errors.As(err, &refused) && refused.Code() == twirp.NotFound:
		return errAbsent
	case err != nil || p.GetSid() == "" || p.GetSid() == s.self().sid:
		return nil
	}
	return errNotOurs
}

// whom asks the server whom it has in a room under an identity. It does so by a connection of
// its own: one that was kept is of the network that was, and a request by it would break off or
// wait in vain, where by a new one there is an answer.
func whom(ctx context.Context, c Config, room, identity string) (*lkproto.ParticipantInfo, error) {
	token, err := auth.NewAccessToken(c.APIKey, c.APISecret).
		SetVideoGrant(&auth.VideoGrant{RoomAdmin: true, Room: room}).SetValidFor(time.Minute).ToJWT()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrToken, err)
	}
	ctx, err = twirp.WithHTTPRequestHeaders(ctx, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		return nil, err
	}
	client := &http.Client{}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.DisableKeepAlives = true
		client.Transport = t
	}
	return lkproto.NewRoomServiceProtobufClient(signalling.ToHttpURL(c.URL), client).
		GetParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: room, Identity: identity})
}

// looks reports whether the recorder asks the server who has its identity before it takes that
// back.
func (r *Room) looks() bool { return r.c.Yield && r.c.APISecret != "" }

// notOurs ends the session if a member whom the server reports has the recorder's identity,
// and is another visit: the connection is that one's.
func (s *session) notOurs(members []*lkproto.ParticipantInfo) bool {
	own := s.self()
	for _, p := range members {
		if own.sid != "" && p.GetIdentity() == own.identity && p.GetSid() != "" && p.GetSid() != own.sid && p.GetState() != lkproto.ParticipantInfo_DISCONNECTED {
			s.replaced(errNotOurs)
			return true
		}
	}
	return false
}

// replaced ends the session for err. A recorder that can ask who replaced it asks as it joins
// again.
func (s *session) replaced(err error) {
	reason := lkproto.DisconnectReason_DUPLICATE_IDENTITY
	if s.r.looks() || errors.Is(err, errAbsent) {
		reason = lkproto.DisconnectReason_STATE_MISMATCH
	}
	if errors.Is(err, errNotOurs) && s.foreign.Swap(true) {
		return // it was said
	}
	s.r.log.Info("the connection is not resumed", "why", fmt.Sprint(err))
	s.lose(reason)
}

// A visitor is the recorder as the server has it in one session.
type visitor struct{ identity, sid string }

func (s *session) self() visitor {
	if v := s.visit.Load(); v != nil {
		return *v
	}
	return visitor{}
}
