package livekit

import (
	"errors"
	"fmt"
	"reflect"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	"github.com/livekit/server-sdk-go/v2/signalling"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
)

// The SDK reports joining and leaving members from a goroutine each, in any
// order, and some of the server's messages not at all. But one of its goroutines
// reads the messages, in the order in which the server sent them: there the
// recorder reads them too.

var errSDK = errors.New("the LiveKit SDK is not the one that this was written for")

// readSignals makes s see each message of its server before the SDK does. It must
// be called before the join.
func readSignals(s *session) error {
	engine := engineOf(s.room)
	if engine == nil {
		return errSDK
	}
	f := reflect.ValueOf(engine).Elem().FieldByName("signalHandler")
	if !f.IsValid() || f.Type() != reflect.TypeFor[signalling.SignalHandler]() {
		return errSDK
	}
	handler := (*signalling.SignalHandler)(f.Addr().UnsafePointer())
	*handler = messages{s, *handler}
	return nil
}

// messages are a server's messages, in their order: HandleMessage is called by
// one goroutine at a time.
type messages struct {
	s   *session
	sdk signalling.SignalHandler
}

// SetLogger implements signalling.SignalHandler.
func (m messages) SetLogger(l logger.Logger) { m.sdk.SetLogger(l) }

// HandleMessage implements signalling.SignalHandler. A fault costs the message.
func (m messages) HandleMessage(msg proto.Message) (err error) {
	if broken := fault.Contain(func() {
		r, ok := msg.(*lkproto.SignalResponse)
		if ok && m.s.isOut(r) {
			err = errOver
		} else if !ok || m.s.message(r) {
			err = m.sdk.HandleMessage(msg)
		}
	}); broken != nil {
		m.s.r.log.Error("what the server said could not be taken", "err", broken)
		return broken
	}
	return err
}

// isOut notes that the server ended the session, and reports whether a message lets the recorder
// in after that. The SDK tries the next region as if nothing had been said, and takeTransport
// would write what its end reads.
func (s *session) isOut(r *lkproto.SignalResponse) bool {
	switch v := r.GetMessage().(type) {
	case *lkproto.SignalResponse_Leave:
		if v.Leave.GetAction() == lkproto.LeaveRequest_DISCONNECT {
			s.left.Store(true)
		}
	case *lkproto.SignalResponse_Join:
		return s.left.Load() || s.isFinished()
	}
	return false
}

// message handles a message of the server, and reports whether to pass it on to
// the SDK. It may change the message. What comes on the connection of another is for that one.
func (s *session) message(r *lkproto.SignalResponse) bool {
	if s.foreign.Load() {
		return false
	}
	switch v := r.GetMessage().(type) {
	case *lkproto.SignalResponse_Join:
		s.listed(v.Join)
	case *lkproto.SignalResponse_Update:
		if s.notOurs(v.Update.GetParticipants()) {
			return false
		}
		if v.Update != nil {
			v.Update.Participants = s.update(v.Update.Participants)
		}
	case *lkproto.SignalResponse_RoomUpdate:
		s.described(v.RoomUpdate.GetRoom())
	case *lkproto.SignalResponse_RefreshToken:
		s.r.refresh(v.RefreshToken)
	case *lkproto.SignalResponse_RoomMoved:
		// This recording has nothing of the other room, and nobody there was
		// given notice. The token in the message is for that room too.
		s.endFor(fmt.Errorf("%w: %w", recorder.ErrEnded, ErrMoved))
		return false
	case *lkproto.SignalResponse_StreamStateUpdate:
		s.streamStates(v.StreamStateUpdate)
	}
	return true
}

// endFor ends the session for good, because of err.
func (s *session) endFor(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}

// streamStates reports which tracks the server has stopped sending for lack of
// bandwidth, and which it sends again.
func (s *session) streamStates(u *lkproto.StreamStateUpdate) {
	for _, st := range u.GetStreamStates() {
		typ := recorder.EventHeld
		switch st.GetState() {
		case lkproto.StreamState_PAUSED:
		case lkproto.StreamState_ACTIVE:
			typ = recorder.EventSent
		default:
			continue
		}
		s.emit(recorder.RoomEvent{Type: typ, TrackID: st.GetTrackSid()})
	}
}
