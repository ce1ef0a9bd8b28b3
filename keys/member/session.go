package member

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys"
)

const (
	maxSkew      = 10 * time.Minute
	silentAfter  = 40 * time.Second
	repeatEvery  = 30 * time.Second // a recorder sends its state again
	unheardAfter = 90 * time.Second // a recorder counts as silent
	firstRetry   = 2 * time.Second  // doubled each time
	maxHellos    = 5
	keyGrace     = 10 * time.Second // a key may come this long after what is sealed with it
	hailAgain    = time.Second      // whose hello was answered less than this ago gets no other answer
	listedAfter  = 6 * time.Second  // the server may need this long to list somebody who speaks
	forgetAfter  = time.Minute      // drop those who are not listed by then
	maxVisits    = 64               // sessions of one identity, until it leaves
	maxJudged    = 8                // cards that are checked again at a time
	tickEvery    = time.Second
	judgeEvery   = 5 * time.Second  // check whether a stranger's card was pinned
	rejudgeEvery = 30 * time.Second // check whether a card that counted still does
	maxPeers     = 4096
	maxOutgoing  = 4096
)

// A Judge knows which cards are trusted. *keys.Home is one.
type Judge interface {
	// CanAdd returns whether the card is pinned (keys.Known), is approved by a
	// pinned one, or is a stranger's. An error is why it cannot be trusted.
	CanAdd(keys.Card) (keys.Acquaintance, error)
}

// ErrAway: the session is not connected to the room, so nothing can be sent. The
// room ended, or the session will join again. Config.Send may return errors that
// wrap it.
var ErrAway = errors.New("away from the room")

// A Config describes a member. Room, SID, Identity, Key, Judge and Send are required.
type Config struct {
	// Room and Identity are the room's name and this member's identity in it.
	Room, Identity string
	// SID returns the room's SID. "" means that the server has not sent it;
	// nobody can be proved until then. It is called with the Session's lock held
	// and must not block.
	SID func() string
	// Keys returns the end-to-end keys of a participant, or of this member,
	// beginning with the one in use. A nil Keys means a room without encryption.
	// In a room with keys, messages are sealed, and nothing is sent until this
	// member has a key. The rules of SID hold for its calls.
	Keys func(identity string) []*RoomKey
	// Key is this member's identity: it signs.
	Key *keys.Identity
	// Judge knows the pinned cards.
	Judge Judge
	// Send sends a packet of Topic, reliably, to the given identities. No
	// identities means all participants. A connection that can only send to all
	// may do so always. An error is logged as a warning, unless it wraps ErrAway;
	// what matters is sent again. Send is called from Run only.
	Send func(ctx context.Context, to []string, packet []byte) error
	// Others, if not nil, is called with each message in the clear whose type is of
	// another part of the protocol, such as those of package roomkeys, within the
	// bounds of what is taken from one identity. Nothing in it was checked. The rules
	// of Notify hold.
	Others func(from string, message []byte)
	// Told, if not nil, is called with each state that this recorder announces: its
	// digest, and the lines that have it, as PROTOCOL.md says. The rules of Notify
	// hold.
	Told func(digest [32]byte, lines string)
	// Notify, if not nil, is called with each change, from the method that found
	// it, one call at a time. It must neither block nor call the Session.
	Notify func(Event)
	// Log gets what happens. Nil discards it. Names appear at debug level only.
	Log *slog.Logger
	// SilentAfter is how long a member may owe a proof or a confirmation before
	// that is reported as Silent. 0 means 40 s, enough to ask again several
	// times; only a test needs less.
	SilentAfter time.Duration
}

// A Session is one member in one room. Its methods are safe for concurrent use.
type Session struct {
	c     Config
	card  []byte
	own   hash
	vkey  string
	role  keys.Role
	nonce nonce
	wake  chan struct{}

	mu       sync.Mutex
	peers    map[string]*peer
	nobody   budget               // of hidden participants
	answers  map[answered]*answer // what this member answered to recorders
	answer   int                  // the number of the last answer
	outgoing []packet
	state    *State // what this recorder announces; nil for a member
	sequence int
	stated   time.Time    // when the state was last sent to all
	digests  map[int]hash // of the states that were sent, by sequence
	asked    int          // the first of them that a yes may answer
	refusals refusals
}

// A packet waits to be sent.
type packet struct {
	to   []string
	data []byte
}

// New returns a session. It sends nothing before Run.
func New(c Config) (*Session, error) {
	if c.Room == "" || c.SID == nil || c.Identity == "" || c.Key == nil || c.Judge == nil || c.Send == nil {
		panic("member: Config without Room, SID, Identity, Key, Judge or Send")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	if c.SilentAfter == 0 {
		c.SilentAfter = silentAfter
	}
	card, err := c.Key.Card()
	if err != nil {
		return nil, err
	}
	b, err := card.Marshal()
	if err != nil {
		return nil, err
	}
	s := &Session{c: c, card: b, own: sha256.Sum256(b), vkey: card.Key, role: card.Role, wake: make(chan struct{}, 1), peers: make(map[string]*peer), digests: make(map[int]hash), answers: make(map[answered]*answer)}
	if _, err := rand.Read(s.nonce[:]); err != nil {
		return nil, err
	}
	if _, err := s.message(typeHello).sign(c.Key.Signer()); err != nil {
		return nil, fmt.Errorf("a card that does not fit a message: %w", err)
	}
	return s, nil
}

// Nonce returns what identifies this session, and CardHash the SHA-256 of the card
// that it shows, as other packages of the protocol bind to them.
func (s *Session) Nonce() [32]byte { return s.nonce }

// CardHash returns the SHA-256 of the card that the session shows.
func (s *Session) CardHash() [32]byte { return s.own }

// message begins a message.
func (s *Session) message(kind string) *message {
	return &message{kind: kind, room: s.c.Room, from: s.c.Identity, time: time.Now().UTC().Truncate(time.Second), nonce: s.nonce, card: s.card}
}

// Run says hello and sends what is to be sent until ctx ends.
func (s *Session) Run(ctx context.Context) {
	s.mu.Lock()
	s.send("", s.message(typeHello))
	s.mu.Unlock()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		s.mu.Lock()
		out := s.outgoing
		s.outgoing = nil
		s.mu.Unlock()
		for _, p := range out {
			if err := s.c.Send(ctx, p.to, p.data); err != nil && ctx.Err() == nil {
				level := slog.LevelWarn
				if errors.Is(err, ErrAway) {
					level = slog.LevelDebug
				}
				s.c.Log.Log(ctx, level, "a membership message was not sent", "err", err)
				s.away(time.Now())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
			s.tick(time.Now())
		}
	}
}

// away notes that nothing can be sent now. Somebody who does not answer meanwhile
// is not silent.
func (s *Session) away(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		if p.answered = now; !p.owes.IsZero() {
			p.owes = now
		}
	}
	for _, a := range s.answers {
		a.since = now
	}
}

// send signs m and queues it for one identity. "" means all. If Run does not send
// fast enough, the oldest queued message is dropped: everything that matters is
// sent again. The caller holds s.mu.
func (s *Session) send(to string, m *message) {
	m.to = to
	var key *RoomKey
	if s.c.Keys != nil {
		own := s.c.Keys(s.c.Identity)
		if len(own) == 0 {
			return // what matters is sent again
		}
		key = own[0]
		m.key = key.commitment
	}
	b, err := m.sign(s.c.Key.Signer())
	if err == nil && key != nil {
		b, err = key.Seal(b)
	}
	if err != nil {
		s.c.Log.Error("a membership message was not made", "err", err)
		return
	}
	if len(s.outgoing) >= maxOutgoing {
		s.outgoing = s.outgoing[1:]
	}
	p := packet{data: b}
	if to != "" {
		p.to = []string{to}
	}
	s.outgoing = append(s.outgoing, p)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Joined adds a participant of the room's list. Those who were there before this
// member are added too.
func (s *Session) Joined(identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(identity)
	if p == nil || p.here {
		return
	}
	p.here, p.hidden, p.since = true, false, time.Now()
	s.greet(p, p.since)
	if p.proved {
		s.judge(p, p.since)
	}
	s.changed(p)
}

// Left drops a participant. If they come back, they prove themselves anew.
func (s *Session) Left(identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, identity)
}

// peer returns what is stored of a participant. It returns nil for this member,
// and if there are too many participants. The caller holds s.mu.
func (s *Session) peer(identity string) *peer {
	if p := s.peers[identity]; p != nil {
		return p
	}
	if identity == "" || identity == s.c.Identity || len(s.peers) >= maxPeers {
		return nil
	}
	p := &peer{Peer: Peer{Identity: identity, Standing: Unknown}, since: time.Now()}
	p.Answered, _ = s.refusals.of(identity)
	s.peers[identity] = p
	return p
}

// greet sends hello to one participant, and again if it does not answer. The caller holds
// s.mu.
func (s *Session) greet(p *peer, now time.Time) {
	s.hail(p, now)
	p.nextTry = now.Add(firstRetry << p.helloed)
	p.helloed = min(p.helloed+1, maxHellos)
}

// hail sends hello to one participant once. The caller holds s.mu.
func (s *Session) hail(p *peer, now time.Time) {
	m := s.message(typeHello)
	if p.hello != nil {
		m.answers, p.hailed = p.hello.nonce, now
	}
	s.send(p.Identity, m)
}

// judge checks the card of a proved peer again, and reports whether the peer's
// Standing has changed. The caller holds s.mu.
func (s *Session) judge(p *peer, now time.Time) bool {
	before := p.Standing
	p.judged = now
	how, err := s.c.Judge.CanAdd(p.Card)
	switch {
	case err == nil:
		p.standing(how)
	case poses(err):
		p.standing(keys.Stranger)
	default:
		// The card was revoked, replaced or has expired: its proof no longer
		// counts.
		p.Standing = Unknown
		if before != Unknown {
			s.trouble(p.Identity, BadCard, err.Error())
		}
	}
	return p.Standing != before
}

// Peers returns all participants, sorted by identity.
func (s *Session) Peers() []Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var peers []Peer
	for _, p := range s.peers {
		peers = append(peers, p.public())
	}
	slices.SortFunc(peers, func(a, b Peer) int {
		if a.Identity < b.Identity {
			return -1
		}
		return 1
	})
	return peers
}

// Peer returns a participant. An absent one has the Standing Unknown.
func (s *Session) Peer(identity string) Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.peers[identity]; p != nil {
		return p.public()
	}
	return Peer{Identity: identity, Standing: Unknown}
}

func (p *peer) public() Peer {
	q := p.Peer
	q.State.Readers = slices.Clone(q.State.Readers)
	return q
}

func (s *Session) changed(p *peer) {
	q := p.public()
	s.c.Notify(Event{Identity: p.Identity, Peer: &q})
}

func (s *Session) trouble(identity string, t Trouble, detail string) {
	s.c.Log.Debug("a membership message was refused", "identity", identity, "trouble", t, "detail", detail)
	s.c.Notify(Event{Identity: identity, Trouble: t, Detail: detail})
}

// tick repeats what was not answered, and reports expected messages that did not
// come.
func (s *Session) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	judged := 0
	for _, p := range s.peers {
		if err := fault.Contain(func() { s.follow(p, now, &judged) }); err != nil {
			s.anew(p, err, now)
		}
	}
	if s.state != nil && !s.stated.IsZero() && now.Sub(s.stated) >= repeatEvery {
		s.tell(nil)
	}
}

// follow does what is due for one peer. judged counts the peers whose cards were
// checked. The caller holds s.mu.
func (s *Session) follow(p *peer, now time.Time, judged *int) {
	if !p.here {
		if now.Sub(p.since) >= forgetAfter {
			delete(s.peers, p.Identity)
		}
		return
	}
	if !p.proved && p.helloed < maxHellos && !now.Before(p.nextTry) {
		s.greet(p, now)
	}
	every := judgeEvery // somebody may have pinned the card since
	if p.Standing == Verified {
		every = rejudgeEvery
	}
	if p.proved && *judged < maxJudged && now.Sub(p.judged) >= every {
		*judged++
		if s.judge(p, now) {
			s.changed(p)
		}
	}
	s.repeat(p, now)
	if why := s.silence(p, now); why != "" && !p.silent {
		p.silent = true
		s.trouble(p.Identity, Silent, why)
	}
}

// anew drops everything of a peer that is here, after a fault: the peer has to
// prove itself again. The caller holds s.mu.
func (s *Session) anew(p *peer, err error, now time.Time) {
	s.c.Log.Error("a member could not be followed", "err", err)
	again := &peer{Peer: Peer{Identity: p.Identity, Standing: Unknown}, since: now, here: p.here, budget: p.budget}
	again.Answered, _ = s.refusals.of(p.Identity)
	s.peers[p.Identity] = again
	_ = fault.Contain(func() { s.changed(again) }) // it was logged
}

// silence returns which expected message of a participant did not come.
func (s *Session) silence(p *peer, now time.Time) string {
	switch {
	case p.hello != nil && !p.proved && now.Sub(p.began) >= s.c.SilentAfter:
		return "said hello and does not prove it"
	case p.Recorder && now.Sub(p.heard) >= unheardAfter:
		return "is a recorder, and has announced nothing for a while"
	case p.Standing == Verified && !p.owes.IsZero() && now.Sub(p.owes) >= s.c.SilentAfter:
		return "does not confirm what the recorder announced"
	case p.Standing == Verified && p.Seen && now.Sub(p.answered) >= unheardAfter:
		return "does not answer the recorder any more"
	case s.unheard(p, now):
		return "does not acknowledge what it was answered"
	}
	return ""
}
