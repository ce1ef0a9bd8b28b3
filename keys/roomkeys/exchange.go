package roomkeys

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

const (
	tickEvery   = 100 * time.Millisecond
	maxPeers    = 4096
	maxOutgoing = 8192
)

// A Policy is to whom a member gives its key.
type Policy string

const (
	// GiveVerified: to those whose card is pinned here. It is the default.
	GiveVerified Policy = "verified"
	// GiveProved: to all who proved to hold a card. It is for rooms of strangers,
	// who compare the room's code.
	GiveProved Policy = "proved"
)

// A Config describes a member. All fields without a default are required.
type Config struct {
	// Room and Identity are those of the member.Session; Nonce and Card are what its
	// methods of these names return, and Signer signs as it does.
	Room, Identity string
	Nonce          Nonce
	Card           Hash
	Signer         note.Signer
	// Give is who gets this member's key. "" means GiveVerified. A recorder gets it
	// only after Allow, whatever Give is.
	Give Policy
	// Listen is for a member that sends nothing encrypted: it has no key.
	Listen bool
	// GiveWhilePaused lets a recorder have the key although it says that it does not
	// record now.
	GiveWhilePaused bool
	// Records is for a recorder. It reports whether the recorder makes the recording
	// with this ID, and told the state with this digest. A key that was given for
	// another is refused. It must neither block nor call the Exchange. Nil means that
	// this member is no recorder.
	Records func(recording string, state Hash) bool
	// Send sends a packet of member.Topic, reliably and not encrypted by the room's
	// keys, to one identity. "" means all. Errors are logged; what matters is sent
	// again. Send is called from Run only.
	Send func(ctx context.Context, to string, packet []byte) error
	// Notify is told which keys to install, use and retire, and what is wrong, one
	// call at a time, in order. It must neither block nor call the Exchange.
	Notify func(Event)
	// Log gets what happens. Nil discards it. Names appear at debug level only.
	Log *slog.Logger
}

// An Exchange hands out the keys of one member in one room, and takes those of the
// others. Its methods are safe for concurrent use. It trusts its caller for who
// proved what: tell it what a member.Session says of its peers.
type Exchange struct {
	c    Config
	wake chan struct{}

	// Only tests have others.
	kem      kem
	verifier func(member.Peer) note.Verifier

	mu       sync.Mutex
	peers    map[string]*peer
	order    []string // identities of peers, sorted: what happens does not depend on a map
	rings    map[string]*ring
	outgoing []packet
	own      own
	hereAt   time.Time // when this member says next that it is here
	heres    int
	said     []byte // who gets no key, as all were told
	roster   Hash   // as of the last reseat
	reseated bool   // it may have changed
	rosters  []seen // what the roster was lately
	over     bool   // said bye
}

// A packet waits to be sent.
type packet struct {
	to   string
	data []byte
}

// New returns an exchange. The member's own first key is installed and used at once.
func New(c Config) (*Exchange, error) {
	if c.Room == "" || c.Identity == "" || c.Signer == nil || c.Send == nil || c.Notify == nil || c.Nonce == (Nonce{}) || c.Card == (Hash{}) {
		return nil, errors.New("roomkeys: Config without Room, Identity, Nonce, Card, Signer, Send or Notify")
	}
	if c.Give == "" {
		c.Give = GiveVerified
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	x := &Exchange{
		c: c, kem: hybrid{}, verifier: func(m member.Peer) note.Verifier { return m.Card.Verifier() },
		wake: make(chan struct{}, 1), peers: make(map[string]*peer), rings: make(map[string]*ring),
	}
	now := time.Now()
	x.hereAt, x.reseated = now.Add(hereSoon), true
	x.reseat(now)
	if !c.Listen {
		x.use(begin(1, 0), now)
		x.hereAt = now.Add(hereSoon)
	}
	return x, nil
}

// Run sends what is to be sent, until ctx ends. It does not say bye.
func (x *Exchange) Run(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		x.flush(ctx)
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-ticker.C:
		}
		x.Tick()
	}
}

// Bye tells all that this member leaves, and wipes its secrets. Nothing is sent or
// taken afterwards. The caller ends Run.
func (x *Exchange) Bye(ctx context.Context) {
	x.mu.Lock()
	if !x.over {
		now := time.Now()
		x.outgoing = nil
		x.send(x.message(typeBye, nil, now), nil)
		x.over = true
		for _, identity := range x.order {
			x.peers[identity].wipe()
		}
		for _, r := range x.rings {
			r.clear(now)
		}
		x.own.wipe()
	}
	x.mu.Unlock()
	x.flush(ctx)
}

// flush sends what waits.
func (x *Exchange) flush(ctx context.Context) {
	x.mu.Lock()
	out := x.outgoing
	x.outgoing = nil
	x.mu.Unlock()
	for _, p := range out {
		if err := x.c.Send(ctx, p.to, p.data); err != nil && ctx.Err() == nil {
			x.c.Log.Debug("a key message was not sent", "err", err)
		}
	}
}

// Tick does what is due. Run calls it.
func (x *Exchange) Tick() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return
	}
	now := time.Now()
	x.reseat(now)
	all := make([]*peer, len(x.order))
	for i, identity := range x.order {
		all[i] = x.peers[identity]
	}
	for len(all) > 0 {
		if err := fault.Contain(func() {
			for ; len(all) > 0; all = all[1:] {
				x.follow(all[0], now)
			}
		}); err != nil {
			x.c.Log.Error("a member's keys could not be followed", "err", err)
			x.forget(all[0], now)
			all = all[1:]
		}
	}
	x.reseat(now)
	x.handOut(now)
	x.sayHere(now)
	for identity, r := range x.rings {
		if r.tick(now); len(r.slots) == 0 && r.chain == nil && x.peers[identity] == nil {
			delete(x.rings, identity)
		}
	}
}

// Member tells what a member.Session found out about somebody: the peer of each of
// its events. machine says that the server lists them as a recorder, an egress or an
// agent, whatever they say of themselves.
func (x *Exchange) Member(m member.Peer, machine bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || m.Identity == "" || m.Identity == x.c.Identity || m.Nonce == (Nonce{}) {
		return
	}
	now := time.Now()
	seat := Seat{Identity: m.Identity, Card: m.CardHash, Nonce: m.Nonce}
	p := x.peers[m.Identity]
	if p != nil && p.seat != seat {
		// Another session, of the same person or of another: nothing is carried over.
		x.forget(p, now)
		p = nil
	}
	if p == nil {
		if m.Standing == member.Unknown || !x.room(now) {
			return
		}
		p = &peer{seat: seat, verifier: x.verifier(m), since: now, heard: now}
		x.peers[m.Identity] = p
		at, _ := slices.BinarySearch(x.order, m.Identity)
		x.order = slices.Insert(x.order, at, m.Identity)
	}
	if m.Standing != member.Unknown {
		p.left = time.Time{}
		if p.gone && !p.bye {
			p.gone, p.since, p.heard = false, now, now
			p.ask(now)
		}
	}
	p.standing = m.Standing
	p.recorder = machine || m.Recorder || m.Card.Role == keys.Recorder
	p.recording, p.phase = m.State.Recording, m.State.Phase
	x.reseated = true
	x.wakeUp()
}

// room makes room for one more peer, and reports whether there is any.
func (x *Exchange) room(now time.Time) bool {
	if len(x.peers) < maxPeers {
		return true
	}
	var oldest *peer
	for _, p := range x.peers {
		if p.gone && (oldest == nil || p.since.Before(oldest.since)) {
			oldest = p
		}
	}
	if oldest != nil {
		x.forget(oldest, now)
	}
	return oldest != nil
}

// Left tells that somebody is no longer in the room's list. Whoever is back within 5 s
// in the same session goes on.
func (x *Exchange) Left(identity string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := x.peers[identity]; p != nil && p.left.IsZero() {
		p.left = time.Now()
	}
}

// ErrNotRecorder: nobody of this identity records here.
var ErrNotRecorder = errors.New("this participant is no recorder")

// Allow lets a recorder have this member's key for a recording, which is the
// recorder's, in the state that has this digest. It holds for the recorder's session.
// Nothing that was said before can be decrypted with the key.
func (x *Exchange) Allow(recorder, recording string, state Hash) error {
	return x.decide(recorder, consent{allowed: true, recording: recording, state: state})
}

// Withhold takes the key back from a recorder: a fresh one, which it does not get,
// is used 0.3 s later. why is NoConsent, or Paused for a while.
func (x *Exchange) Withhold(recorder string, why Why) error {
	return x.decide(recorder, consent{why: why})
}

func (x *Exchange) decide(recorder string, c consent) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.peers[recorder]
	if p == nil || !p.recorder {
		return ErrNotRecorder
	}
	p.consent = c
	x.wakeUp()
	return nil
}

// Held reports whether this member has somebody's key now. If not, why is why they give
// none, as they said; "" means that they did not say.
func (x *Exchange) Held(identity string) (held bool, why Why) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, r := x.peers[identity], x.rings[identity]
	if p == nil || p.gone {
		return false, ""
	}
	if r != nil && r.chain != nil {
		return true, ""
	}
	return false, p.withheld
}

// Opened tells that a frame of somebody opened under the key at index, so that the
// keys after it are installed. It need not be told of each frame.
func (x *Exchange) Opened(identity string, index int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.rings[identity]
	if r == nil || r.chain == nil {
		return
	}
	if d := r.chain.distance(index); d <= Ahead {
		r.advance(d, time.Now())
	}
}

// Missing tells that frames of somebody come under an index at which nothing opens
// them. The key is asked for.
func (x *Exchange) Missing(identity string, index int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, r := x.peers[identity], x.rings[identity]
	if p == nil || p.gone {
		return
	}
	if r != nil {
		if _, ok := r.slots[index]; ok {
			return
		}
	}
	p.ask(time.Now())
}

// Roster returns whom this member sees in the room, itself among them, by identity:
// for RoomCode.
func (x *Exchange) Roster() []Seat {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seats()
}

// reseat notes who is here, if that may have changed. The caller holds x.mu.
func (x *Exchange) reseat(now time.Time) {
	if !x.reseated {
		return
	}
	x.reseated = false
	if hash := RosterHash(x.seats()); hash != x.roster {
		x.rosterChanged(hash, now)
	}
}

// forget drops all of a peer, whose keys are of no use any more.
func (x *Exchange) forget(p *peer, now time.Time) {
	x.lose(p, now.Add(gather), now)
	p.wipe()
	if r := x.rings[p.seat.Identity]; r != nil {
		r.clear(now)
	}
	delete(x.peers, p.seat.Identity)
	x.order = slices.DeleteFunc(x.order, func(s string) bool { return s == p.seat.Identity })
	x.reseated = true
}

// message begins a message, to one peer or to all.
func (x *Exchange) message(kind string, to *peer, now time.Time) *message {
	m := &message{kind: kind, room: x.c.Room, from: x.c.Identity, time: now.UTC().Truncate(time.Second), nonce: x.c.Nonce}
	if to != nil {
		m.to, m.answers = to.seat.Identity, to.seat.Nonce
	}
	return m
}

// send signs a message and queues it. If Run does not send fast enough, the oldest
// is dropped: everything that matters is sent again. The caller holds x.mu.
func (x *Exchange) send(m *message, seal func(string) []byte) {
	b, err := m.sign(x.c.Signer, seal)
	if err != nil {
		x.c.Log.Error("a key message was not made", "err", err)
		return
	}
	if len(x.outgoing) >= maxOutgoing {
		x.outgoing = x.outgoing[1:]
	}
	x.outgoing = append(x.outgoing, packet{m.to, b})
	x.wakeUp()
}

func (x *Exchange) wakeUp() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *Exchange) trouble(identity string, t member.Trouble, detail string) {
	x.c.Log.Debug("a key message was refused", "identity", identity, "trouble", t, "detail", detail)
	x.c.Notify(Event{Kind: Refused, Identity: identity, Trouble: t, Detail: detail})
}
