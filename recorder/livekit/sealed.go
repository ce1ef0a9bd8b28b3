package livekit

import (
	"errors"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
)

// receive handles a message of a data channel when pion reads it, so it must not
// wait. A fault costs the message.
func (s *session) receive(m webrtc.DataChannelMessage) {
	s.mu.Lock()
	dead := s.finished
	s.mu.Unlock()
	if dead || m.IsString { // the server sends none as text
		return
	}
	from := ""
	err := fault.Contain(func() {
		// A packet that does not open is not for the recorder.
		if p, sealed, err := openData(s.r.c.Keys, m.Data); err == nil {
			from = p.GetParticipantIdentity()
			s.deliver(p, sealed)
		}
	})
	if err != nil {
		s.r.log.Error("a member's data could not be taken", "err", err)
		s.r.events.miss(from, missedData)
	}
}

var errData = errors.New("malformed data packet")

// openData parses a message of a data channel. If the message is sealed, it opens
// it with the keys of the sender that the server names. The SDK would look for a
// key by its index only, but members may have keys of their own.
func openData(keys recorder.KeyProvider, message []byte) (p *lkproto.DataPacket, sealed bool, err error) {
	p = new(lkproto.DataPacket)
	if err := proto.Unmarshal(message, p); err != nil {
		return nil, false, errData
	}
	box := p.GetEncryptedPacket()
	if box == nil {
		return p, false, nil
	}
	if keys == nil {
		return nil, false, errData
	}
	// Ignore encryption_type: livekit-client leaves it at NONE.
	plain, err := keys.Keyring(p.ParticipantIdentity).OpenData(box.KeyIndex, box.Iv, box.EncryptedValue)
	if err != nil {
		return nil, false, err
	}
	payload := new(lkproto.EncryptedPacketPayload)
	if err := proto.Unmarshal(plain, payload); err != nil {
		return nil, false, errData
	}
	p.Value = nil
	e2ee.DecryptedPayloadToDataPacketValue(p, payload)
	return p, true, nil
}
