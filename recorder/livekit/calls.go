package livekit

import (
	"context"
	"sync"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"
)

// Bounds of calls.
const (
	maxCalls    = 8 // that are answered at once; more are dropped
	callTime    = 12 * time.Second
	maxCallSize = 15 << 10 // LiveKit's own limit of a payload
	maxCallID   = 256
)

// Codes of LiveKit's remote procedure calls.
const (
	rpcApplicationError   = 1500
	rpcUnsupportedMethod  = 1400
	rpcRequestTooLarge    = 1402
	rpcUnsupportedVersion = 1404
)

// A Call is a remote procedure call of a member, or of somebody with an API key, whose
// identity is one that no member has.
type Call struct{ Method, From, Payload string }

// called answers a call, without waiting. The answer is sent in the clear, also in rooms
// with keys: the server could not hand on another to whoever called by an API key. What is
// answered must be fit for that.
func (s *session) called(from string, c *lkproto.RpcRequest) {
	if s.r.c.OnCall == nil || c.GetId() == "" || len(c.GetId()) > maxCallID || from == "" {
		return
	}
	select {
	case s.r.calls <- struct{}{}:
	default:
		return // whoever called finds that nobody answers
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished { // and the room may wait for its goroutines
		<-s.r.calls
		return
	}
	s.r.visits.Go(func() {
		defer func() { <-s.r.calls }()
		s.contain("", func() {
			s.sendClear(from, &lkproto.DataPacket{Value: &lkproto.DataPacket_RpcAck{RpcAck: &lkproto.RpcAck{RequestId: c.GetId()}}})
			answer := s.answerTo(from, c)
			answer.RequestId = c.GetId()
			s.sendClear(from, &lkproto.DataPacket{Value: &lkproto.DataPacket_RpcResponse{RpcResponse: answer}})
		})
	})
}

// answerTo returns the answer to a call, at the latest when the session ends.
func (s *session) answerTo(from string, c *lkproto.RpcRequest) *lkproto.RpcResponse {
	refused := func(code uint32, why string) *lkproto.RpcResponse {
		return &lkproto.RpcResponse{Value: &lkproto.RpcResponse_Error{Error: &lkproto.RpcError{Code: code, Message: why}}}
	}
	switch {
	case c.GetVersion() != 1:
		return refused(rpcUnsupportedVersion, "no such version")
	case len(c.GetPayload()) > maxCallSize:
		return refused(rpcRequestTooLarge, "too long")
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		select {
		case <-s.ended():
			cancel()
		case <-ctx.Done():
		}
	})
	answer, known, err := s.r.c.OnCall(ctx, Call{Method: c.GetMethod(), From: from, Payload: c.GetPayload()})
	switch {
	case !known:
		return refused(rpcUnsupportedMethod, "no such method")
	case err != nil:
		return refused(rpcApplicationError, err.Error())
	}
	return &lkproto.RpcResponse{Value: &lkproto.RpcResponse_Payload{Payload: answer}}
}

// sendClear sends a packet to somebody, unencrypted. The SDK encrypts all that it sends in
// a room with keys. The packet has no sequence number, so that the server takes it beside
// those that have.
func (s *session) sendClear(to string, p *lkproto.DataPacket) {
	p.DestinationIdentities = []string{to}
	b, err := proto.Marshal(p)
	if err != nil {
		s.r.log.Error("a call could not be answered", "err", err)
		return
	}
	engine := engineOf(s.room)
	if engine == nil {
		return
	}
	c := engine.GetDataChannel(lkproto.DataPacket_RELIABLE)
	if c == nil || c.ReadyState() != webrtc.DataChannelStateOpen {
		return // nothing was sent yet, or the connection is gone: whoever called tries again
	}
	if err := c.Send(b); err != nil {
		s.r.log.Debug("a call could not be answered", "err", err)
	}
}
