package members

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder/frame"
)

// An exchange is a member's part in package keys/roomkeys: what any LiveKit client in Go
// does that makes its own key. A nil exchange does nothing.
type exchange struct {
	identity string
	own      *frame.Keyring // what it encrypts under
	keys     *roomkeys.Exchange

	mu     sync.Mutex
	held   map[string]map[int][]byte
	ever   []HeldKey
	events []roomkeys.Event // without keys
	given  map[string]Given
}

// Given is how many chains of another a member was handed, and when the last was.
type Given struct {
	Chains int
	Last   time.Time
}

// A HeldKey is a key of another member that a member was handed at some time.
type HeldKey struct {
	Identity string
	Index    int
	Key      []byte
	At       time.Time
}

func newExchange(identity string) *exchange {
	return &exchange{identity: identity, own: frame.NewKeyring(roomkeys.Indexes, frame.KeyOptions{Grace: frame.NoGrace}), held: make(map[string]map[int][]byte), given: make(map[string]Given)}
}

// begin makes the member's first key.
func (x *exchange) begin(room *lksdk.Room, s *member.Session, c Config) (err error) {
	x.keys, err = roomkeys.New(roomkeys.Config{
		Room: room.Name(), Identity: x.identity, Nonce: s.Nonce(), Card: s.CardHash(), Signer: c.Key.Signer(), Give: c.Give, Notify: x.notify, Log: c.Log,
		Send: func(_ context.Context, to string, packet []byte) error {
			opts := []lksdk.DataPublishOption{lksdk.WithDataPublishTopic(member.Topic), lksdk.WithDataPublishReliable(true)}
			if to != "" {
				opts = append(opts, lksdk.WithDataPublishDestination([]string{to}))
			}
			return room.LocalParticipant.PublishDataPacket(lksdk.UserData(packet), opts...)
		},
	})
	return err
}

// notify does what an event says.
func (x *exchange) notify(e roomkeys.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ring := x.held[e.Identity]
	switch e.Kind {
	case roomkeys.Install:
		if e.Identity == x.identity {
			_ = x.own.SetRaw(e.Index, e.Key, frame.HKDF) // it is one of the right length
			return
		}
		if ring == nil {
			ring = make(map[int][]byte)
			x.held[e.Identity] = ring
		}
		ring[e.Index] = slices.Clone(e.Key)
		x.ever = append(x.ever, HeldKey{e.Identity, e.Index, ring[e.Index], time.Now()})
	case roomkeys.Retire:
		if e.Identity == x.identity {
			x.own.Remove(e.Index)
			return
		}
		delete(ring, e.Index)
	case roomkeys.Use:
	case roomkeys.Given:
		x.given[e.Identity] = Given{x.given[e.Identity].Chains + 1, time.Now()}
	default:
		x.events = append(x.events, e)
	}
}

func (x *exchange) member(p *member.Peer) {
	if x != nil && p != nil {
		x.keys.Member(*p, false)
	}
}

func (x *exchange) left(identity string) {
	if x != nil {
		x.keys.Left(identity)
	}
}

// bye says that the member leaves, and waits until that has left: SCTP does not say when.
func (x *exchange) bye() {
	if x != nil && x.keys != nil {
		x.keys.Bye(context.Background())
		time.Sleep(300 * time.Millisecond)
	}
}

var errNoExchange = errors.New("this member makes no keys")

// Exchange returns the member's part in package keys/roomkeys, nil without
// Config.RoomKeys.
func (m *Member) Exchange() *roomkeys.Exchange {
	if m.exchange == nil {
		return nil
	}
	return m.exchange.keys
}

// Answer agrees to what a recorder records, or does not: by consent and, with
// Config.RoomKeys, by the key. It returns when the recorder has noted that.
func (m *Member) Answer(ctx context.Context, recorder string, yes bool) error {
	if m.exchange == nil {
		return errNoExchange
	}
	p := m.Session().Peer(recorder)
	decide := func() error { return m.exchange.keys.Withhold(recorder, roomkeys.NoConsent) }
	if yes {
		decide = func() error { return m.exchange.keys.Allow(recorder, p.State.Recording, p.Digest) }
	}
	if err := decide(); err != nil {
		return err
	}
	return m.Session().Answer(ctx, recorder, yes)
}

// Given returns what the member was handed by another.
func (m *Member) Given(by string) Given {
	m.exchange.mu.Lock()
	defer m.exchange.mu.Unlock()
	return m.exchange.given[by]
}

// Held returns all keys of others that the member was ever handed.
func (m *Member) Held() []HeldKey {
	m.exchange.mu.Lock()
	defer m.exchange.mu.Unlock()
	return slices.Clone(m.exchange.ever)
}

// KeyEvents returns what the member's exchange told besides keys that were given.
func (m *Member) KeyEvents() []roomkeys.Event {
	m.exchange.mu.Lock()
	defer m.exchange.mu.Unlock()
	return slices.Clone(m.exchange.events)
}
