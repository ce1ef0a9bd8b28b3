package livekit

import (
	"context"
	"errors"
	"reflect"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
)

// The SDK opens encrypted data with a key that it asks for by index alone. Where
// members have keys of their own that is not enough, so the recorder takes data
// from the channels before the SDK does, opens it with the sender's keys, and
// hands the SDK what is in it.

const (
	channelPoll = 5 * time.Millisecond
	channelWait = 30 * time.Second // the server opens them while it is joined
)

// engineOf returns the SDK's engine of a room, nil if it is not where it was in
// the version this is written for. It has the data channels, and no method of
// the room gives it.
func engineOf(room *lksdk.Room) *lksdk.RTCEngine {
	f := reflect.ValueOf(room).Elem().FieldByName("engine")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*lksdk.RTCEngine]() {
		return nil
	}
	return (*lksdk.RTCEngine)(f.UnsafePointer())
}

// hearSealed takes over the session's data channels as soon as there are any. It
// returns then, or when ctx ends or the room is left.
func (s *session) hearSealed(ctx context.Context, keys recorder.KeyProvider) {
	ctx, cancel := context.WithTimeout(ctx, channelWait)
	defer cancel()
	engine := engineOf(s.room)
	if engine == nil {
		s.r.log.Warn("encrypted data is opened under shared keys only")
		return
	}
	every := time.NewTicker(channelPoll)
	defer every.Stop()
	left := []lkproto.DataPacket_Kind{lkproto.DataPacket_RELIABLE, lkproto.DataPacket_LOSSY}
	for len(left) > 0 {
		if c := engine.GetDataChannelSub(left[0]); c != nil {
			c.OnMessage(func(m webrtc.DataChannelMessage) {
				if p, err := openData(keys, m.Data); err == nil {
					deliver(s.room, p)
				}
			})
			left = left[1:]
			continue
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		case <-s.r.closed:
			return
		}
	}
}

var errData = errors.New("malformed data packet")

// openData parses a message of a data channel, and opens it if it is encrypted.
func openData(keys recorder.KeyProvider, message []byte) (*lkproto.DataPacket, error) {
	p := new(lkproto.DataPacket)
	if err := proto.Unmarshal(message, p); err != nil {
		return nil, errData
	}
	sealed := p.GetEncryptedPacket()
	if sealed == nil {
		return p, nil
	}
	// encryption_type is not looked at: livekit-client leaves it at NONE.
	plain, err := keys.Keyring(p.ParticipantIdentity).OpenData(sealed.KeyIndex, sealed.Iv, sealed.EncryptedValue)
	if err != nil {
		return nil, err
	}
	payload := new(lkproto.EncryptedPacketPayload)
	if err := proto.Unmarshal(plain, payload); err != nil {
		return nil, errData
	}
	p.Value = nil
	e2ee.DecryptedPayloadToDataPacketValue(p, payload)
	return p, nil
}

// deliver hands a packet on as the SDK's engine does. Calls of remote procedures
// are left out: the recorder has none.
func deliver(room *lksdk.Room, p *lkproto.DataPacket) {
	from := p.ParticipantIdentity
	switch v := p.Value.(type) {
	case *lkproto.DataPacket_User:
		if v.User != nil {
			room.OnDataPacket(from, &lksdk.UserDataPacket{Payload: v.User.Payload, Topic: v.User.GetTopic()})
		}
	case *lkproto.DataPacket_ChatMessage:
		if v.ChatMessage != nil {
			room.OnDataPacket(from, v.ChatMessage)
		}
	case *lkproto.DataPacket_StreamHeader:
		if v.StreamHeader != nil {
			room.OnStreamHeader(v.StreamHeader, from)
		}
	case *lkproto.DataPacket_StreamChunk:
		if v.StreamChunk != nil {
			room.OnStreamChunk(v.StreamChunk)
		}
	case *lkproto.DataPacket_StreamTrailer:
		if v.StreamTrailer != nil {
			room.OnStreamTrailer(v.StreamTrailer)
		}
	}
}
