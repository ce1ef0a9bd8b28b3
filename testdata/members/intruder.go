package members

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/livekit/protocol/livekit"
	protologger "github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/e2ee"

	"github.com/sealtape/sealtape/keys/member"
)

// An Intruder is whom the server's secret lets in, under any identity, hidden or
// not: it hears what members say by package keys/member, and says what it likes. It
// is more than a server is where it knows the room's passphrase. Its methods are
// safe for concurrent use.
type Intruder struct {
	room    *lksdk.Room
	session atomic.Pointer[member.Session] // nil without Config.Key; what comes before there is one is said again
	run     sync.WaitGroup
	cancel  context.CancelFunc

	mu          sync.Mutex
	heard, said []Packet
}

// A Packet is a message of package keys/member on its way.
type Packet struct {
	From string   // who LiveKit says has sent it
	To   []string // nobody is all
	Data []byte
}

// Intrude lets one in by a token made of c's secret for g. With c.Key it says what
// any member with that key does; what it said can be had from Said, as it passes
// through the server.
func Intrude(ctx context.Context, c Config, g Grant) (*Intruder, error) {
	token, err := Token(c.APIKey, c.APISecret, g)
	if err != nil {
		return nil, err
	}
	i := &Intruder{cancel: func() {}}
	cb := lksdk.NewRoomCallback()
	cb.OnDataPacket = func(data lksdk.DataPacket, from lksdk.DataReceiveParams) {
		p, ok := data.(*lksdk.UserDataPacket)
		if !ok || p.Topic != member.Topic {
			return
		}
		i.mu.Lock()
		i.heard = append(i.heard, Packet{From: from.SenderIdentity, Data: p.Payload})
		i.mu.Unlock()
		if s := i.session.Load(); s != nil {
			s.Receive(from.SenderIdentity, p.Payload)
		}
	}
	cb.OnParticipantConnected = func(p *lksdk.RemoteParticipant) {
		if s := i.session.Load(); s != nil {
			s.Joined(p.Identity())
		}
	}
	i.room = lksdk.NewRoom(cb)
	opts := []lksdk.ConnectOption{lksdk.WithAutoSubscribe(false), lksdk.WithLogger(protologger.GetDiscardLogger())}
	if c.Passphrase != "" {
		data := e2ee.NewExternalKeyProvider()
		if err := data.SetKeyFromPassphrase(c.Passphrase, 0); err != nil {
			return nil, err
		}
		opts = append(opts, lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: data}))
	}
	if err := i.room.JoinWithContextAndToken(ctx, c.URL, token, opts...); err != nil {
		return nil, fmt.Errorf("joining as %q: %w", g.Identity, err)
	}
	if c.Key == nil {
		return i, nil
	}
	keys, err := roomKeys(c.Passphrase)
	if err != nil {
		i.room.Disconnect()
		return nil, err
	}
	sid := i.room.SID()
	s, err := member.New(member.Config{Room: g.Room, SID: func() string { return sid }, Keys: keys, Identity: g.Identity, Key: c.Key, Judge: c.Judge,
		Send: func(_ context.Context, to []string, data []byte) error {
			i.mu.Lock()
			i.said = append(i.said, Packet{From: g.Identity, To: to, Data: data})
			i.mu.Unlock()
			return i.Send(data, to...)
		}})
	if err != nil {
		i.room.Disconnect()
		return nil, err
	}
	i.session.Store(s)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	i.cancel = cancel
	i.run.Go(func() { s.Run(run) })
	for _, p := range i.room.GetRemoteParticipants() {
		s.Joined(p.Identity())
	}
	return i, nil
}

// Send sends a message, to all without identities.
func (i *Intruder) Send(data []byte, to ...string) error {
	return i.room.LocalParticipant.PublishDataPacket(lksdk.UserData(data), lksdk.WithDataPublishTopic(member.Topic),
		lksdk.WithDataPublishReliable(true), lksdk.WithDataPublishDestination(to))
}

// A rawPacket is a data packet as it is, whatever an SDK would have made of it.
type rawPacket struct{ *livekit.DataPacket }

// ToProto implements lksdk.DataPacket.
func (p rawPacket) ToProto() *livekit.DataPacket { return p.DataPacket }

// SendRaw sends data packets to one member, in this order, as no SDK would make
// them. The server adds whose they are, and changes nothing else. Members who read
// them with the SDK of v2.18.1 may crash.
func (i *Intruder) SendRaw(to string, reliable bool, packets ...*livekit.DataPacket) error {
	for _, p := range packets {
		if err := i.room.LocalParticipant.PublishDataPacket(rawPacket{p}, lksdk.WithDataPublishReliable(reliable),
			lksdk.WithDataPublishDestination([]string{to})); err != nil {
			return err
		}
	}
	return nil
}

// Session is the Intruder's own part in the protocol, nil without a key.
func (i *Intruder) Session() *member.Session { return i.session.Load() }

// Heard returns what others said to the Intruder, or to all.
func (i *Intruder) Heard() []Packet {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.heard)
}

// Said returns what its Session said.
func (i *Intruder) Said() []Packet {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.said)
}

// Leave leaves the room.
func (i *Intruder) Leave() {
	i.cancel()
	i.run.Wait()
	i.room.Disconnect()
}

// SendAsServer sends a message to all in the room by the server's own means.
func SendAsServer(ctx context.Context, c Config, data []byte) error {
	topic := member.Topic
	_, err := lksdk.NewRoomServiceClient(c.URL, c.APIKey, c.APISecret).SendData(ctx, &livekit.SendDataRequest{
		Room: c.Room, Data: data, Kind: livekit.DataPacket_RELIABLE, Topic: &topic})
	return err
}

// Gag takes from a member the right to send data.
func Gag(ctx context.Context, c Config) error {
	p, err := lksdk.NewRoomServiceClient(c.URL, c.APIKey, c.APISecret).UpdateParticipant(ctx, &livekit.UpdateParticipantRequest{
		Room: c.Room, Identity: c.Identity, Permission: &livekit.ParticipantPermission{CanSubscribe: true, CanPublish: true}})
	if err == nil && p.GetPermission().GetCanPublishData() {
		err = errors.New("the server lets them send data")
	}
	return err
}
