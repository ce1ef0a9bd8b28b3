package members

import (
	"context"
	"slices"

	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/keys/member"
)

// A proof is a member's part in package keys/member: what any LiveKit client in Go
// does to prove who it is. A nil proof does nothing.
type proof struct {
	m       *Member
	session *member.Session
	ready   chan struct{} // closed when there is a session

	troubles []member.Event // by m.mu
}

// begin starts the session, which ends with ctx.
func (p *proof) begin(ctx context.Context, c Config) (err error) {
	room := p.m.room
	keys, err := roomKeys(c.Passphrase)
	if err != nil {
		return err
	}
	sid := room.SID()
	p.session, err = member.New(member.Config{
		Room: room.Name(), SID: func() string { return sid }, Keys: keys, Identity: room.LocalParticipant.Identity(), Key: c.Key, Judge: c.Judge, Log: p.m.log, SilentAfter: c.SilentAfter,
		Send: func(_ context.Context, to []string, packet []byte) error {
			return room.LocalParticipant.PublishDataPacket(lksdk.UserData(packet), lksdk.WithDataPublishTopic(member.Topic),
				lksdk.WithDataPublishReliable(true), lksdk.WithDataPublishDestination(to))
		},
		Notify: func(e member.Event) {
			p.m.exchange.member(e.Peer)
			go p.notice(e) // the session waits for it, and m may wait for the session
		},
		Others: func(from string, message []byte) {
			if x := p.m.exchange; x != nil {
				x.keys.Receive(from, message)
			}
		},
	})
	if err != nil {
		return err
	}
	if x := p.m.exchange; x != nil {
		if err := x.begin(room, p.session, c); err != nil {
			return err
		}
		p.m.pumps.Go(func() { x.keys.Run(ctx) })
	}
	close(p.ready)
	p.m.pumps.Go(func() { p.session.Run(ctx) })
	return nil
}

// roomKeys are those of a room with a passphrase, for member.Config.
func roomKeys(passphrase string) (func(string) []*member.RoomKey, error) {
	if passphrase == "" {
		return nil, nil
	}
	key, err := RoomKey(passphrase)
	return func(string) []*member.RoomKey { return []*member.RoomKey{key} }, err
}

// RoomKey is the one of a passphrase.
func RoomKey(passphrase string) (*member.RoomKey, error) {
	d, err := derive(passphrase)
	if err != nil {
		return nil, err
	}
	return member.NewRoomKey(d.media.Key(0))
}

func (p *proof) notice(e member.Event) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if e.Trouble != "" {
		p.troubles = append(p.troubles, e)
	}
	p.m.wake()
}

// begun reports whether there is a session yet. What comes before is said again.
func (p *proof) begun() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

func (p *proof) joined(identity string) {
	if p.begun() {
		p.session.Joined(identity)
	}
}

func (p *proof) left(identity string) {
	if p.begun() {
		p.session.Left(identity)
		p.m.exchange.left(identity)
	}
}

func (p *proof) receive(topic, from string, data []byte) {
	if p.begun() && topic == member.Topic {
		p.session.Receive(from, data)
	}
}

// Session returns the member's part in package keys/member, nil without Config.Key.
func (m *Member) Session() *member.Session {
	if m.proof == nil {
		return nil
	}
	return m.proof.session
}

// Troubles returns what the member's session found wrong so far.
func (m *Member) Troubles() []member.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proof == nil {
		return nil
	}
	return slices.Clone(m.proof.troubles)
}
