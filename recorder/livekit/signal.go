package livekit

import (
	"errors"
	"reflect"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	"github.com/livekit/server-sdk-go/v2/signalling"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder/internal/fault"
)

// The SDK tells of who comes and goes from a goroutine each, in any order, and of
// some of the server's messages not at all. One goroutine of its reads them, in
// the order in which the server sent them: there the recorder reads along.

var errSDK = errors.New("the LiveKit SDK is not the one that this was written for")

// readAlong makes s see each message of its server before the SDK does. Call it
// before the room is joined.
func readAlong(s *session) error {
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
		if r, ok := msg.(*lkproto.SignalResponse); !ok || m.s.message(r) {
			err = m.sdk.HandleMessage(msg)
		}
	}); broken != nil {
		m.s.r.log.Error("what the server said could not be taken", "err", broken)
		return broken
	}
	return err
}

// message takes a message of the server's, and reports whether it is the SDK's,
// too. It may change it.
func (s *session) message(r *lkproto.SignalResponse) bool {
	switch v := r.GetMessage().(type) {
	case *lkproto.SignalResponse_Join:
		s.listed(v.Join)
	case *lkproto.SignalResponse_Update:
		if v.Update != nil {
			v.Update.Participants = s.update(v.Update.Participants)
		}
	case *lkproto.SignalResponse_RoomUpdate:
		s.described(v.RoomUpdate.GetRoom())
	}
	return true
}
