package member

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// Receive takes a packet of Topic. from is the identity that LiveKit says has sent
// it, "" for a hidden participant.
func (s *Session) Receive(from string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if from == "" {
		s.trouble("", Hidden, "a message from nobody in the room's list")
		return
	}
	p := s.peer(from)
	if p == nil {
		return // oneself, or one too many
	}
	if !p.budget.take(now) {
		if !p.budget.warned {
			p.budget.warned = true
			s.trouble(from, Flood, "more messages than are taken")
		}
		return
	}
	p.budget.warned = false
	m, err := parse(data)
	switch {
	case errors.Is(err, errVersion):
		if !p.versions {
			p.versions = true
			s.trouble(from, OtherVersion, "speaks another version")
		}
		return
	case errors.Is(err, errType):
		return
	case err != nil:
		s.trouble(from, Malformed, err.Error())
		return
	}
	if t, detail := s.receive(p, m, now); t != "" {
		s.trouble(from, t, detail)
	}
}

// receive takes a message that is well-formed. It returns what is wrong with it.
func (s *Session) receive(p *peer, m *message, now time.Time) (Trouble, string) {
	// The signature comes first: what an unsigned message says tells nothing.
	card := p.Card
	if m.kind == typeHello {
		var err error
		if card, err = keys.ParseCard(m.card); err != nil {
			return BadCard, err.Error()
		}
	} else if p.hello == nil {
		return "", "" // its hello was lost or comes later; then it says this again
	}
	if !m.openedBy(card.Verifier()) {
		return BadSignature, "not signed by the key of " + card.Name
	}
	switch skew := now.Sub(m.time); {
	case m.room != s.c.Room:
		return OtherRoom, "a message for another room"
	case m.from != p.Identity:
		return OtherIdentity, "a message that was sent under another identity"
	case skew > maxSkew || skew < -maxSkew:
		return ClockSkew, "a message of " + m.time.Format(time.RFC3339) + ", by this clock it is " + now.UTC().Format(time.RFC3339)
	}
	switch m.kind {
	case typeHello:
		return s.hello(p, m, card)
	case typeProof:
		return s.proof(p, m)
	case typeRecorder:
		return s.heardState(p, m, now)
	case typeSeen:
		return s.seen(p, m)
	default:
		return s.consent(p, m)
	}
}

func (s *Session) hello(p *peer, m *message, card keys.Card) (Trouble, string) {
	sum := hash(sha256.Sum256(m.card))
	if p.hello != nil && p.cardHash != sum {
		return OtherCard, "says hello with another card than before"
	}
	if card.Key == s.vkey {
		return Impostor, "says hello with this member's own card"
	}
	how, err := s.c.Judge.CanAdd(card)
	switch {
	case errors.Is(err, keys.ErrNameTaken), errors.Is(err, keys.ErrKeyTaken):
		// The first one who says so is to be looked at, not only the second.
		s.trouble(p.Identity, Impostor, err.Error())
		how = keys.Stranger
	case err != nil:
		return BadCard, err.Error()
	}
	again := p.hello != nil && p.hello.nonce == m.nonce
	if !again {
		p.proved, p.Seen, p.toldAt, p.sequence, p.parts = false, false, time.Time{}, 0, nil
	}
	p.hello, p.cardHash, p.Card = m, sum, card
	// Who says hello again has not got our proof, whatever we have of theirs.
	s.prove(p)
	if p.standing(how); !again {
		s.changed(p)
	}
	return "", ""
}

// standing sets what is known of a peer whose card is how known.
func (p *peer) standing(how keys.Acquaintance) {
	switch {
	case !p.proved:
		p.Standing = Unknown
	case how == keys.Known || how == keys.Approved:
		p.Standing = Verified
	default:
		p.Standing = Claimed
	}
}

// prove answers a peer's hello, and says hello to who may not have heard it.
func (s *Session) prove(p *peer) {
	if p.helloed == 0 {
		s.greet(p, time.Now())
	}
	m := s.message(typeProof)
	m.to, m.answers, m.own, m.other = p.Identity, p.hello.nonce, s.own, p.cardHash
	s.send([]string{p.Identity}, m)
}

func (s *Session) proof(p *peer, m *message) (Trouble, string) {
	switch {
	case m.to != s.c.Identity:
		return OtherIdentity, "a proof that was meant for another member"
	case m.answers != s.nonce:
		return Stale, "a proof that answers another question"
	case m.nonce != p.hello.nonce:
		return Stale, "a proof of another session"
	case m.own != p.cardHash:
		return OtherCard, "a proof for another card than that of its hello"
	case m.other != s.own:
		return Swapped, "was shown another card as this member's"
	case p.proved:
		return "", ""
	}
	how, err := s.c.Judge.CanAdd(p.Card)
	if err != nil && !errors.Is(err, keys.ErrNameTaken) && !errors.Is(err, keys.ErrKeyTaken) {
		return BadCard, err.Error()
	}
	p.proved, p.silent = true, false
	p.standing(how)
	s.changed(p)
	if s.state != nil {
		s.tell(p)
	}
	return "", ""
}
