package member

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys"
)

// Receive handles a packet of Topic. from is the sender's identity as LiveKit
// reports it. "" means a hidden participant.
func (s *Session) Receive(from string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	p, budget := s.peer(from), &s.nobody
	if p != nil {
		budget = &p.budget
	} else if from != "" {
		return // our own packet, or over the limit
	}
	if !budget.take(now) {
		if !budget.warned {
			budget.warned = true
			s.trouble(from, Flood, "more messages than are taken")
		}
		return
	}
	budget.warned = false
	if p == nil {
		s.trouble("", Hidden, "a message from nobody in the room's list")
		return
	}
	if !p.here && !p.hidden && now.Sub(p.since) >= listedAfter {
		p.hidden = true
		s.trouble(from, Hidden, "speaks, and is not in the room's list")
	}
	if err := fault.Contain(func() { s.take(p, budget, data, now) }); err != nil {
		s.anew(p, err, now)
	}
}

// take handles a packet from a peer. The caller holds s.mu.
func (s *Session) take(p *peer, budget *budget, data []byte, now time.Time) {
	from := p.Identity
	data, under, err := s.unseal(from, data)
	if err != nil {
		s.unopened(p, now)
		return
	}
	m, err := parse(data)
	switch {
	case errors.Is(err, errVersion):
		if !p.versions {
			p.versions = true
			s.trouble(from, OtherVersion, "speaks another version")
		}
		return
	case errors.Is(err, errType):
		if s.c.Others != nil && under == (hash{}) {
			s.c.Others(from, data)
		}
		return
	case err != nil:
		s.trouble(from, Malformed, err.Error())
		return
	}
	if m.under = under; s.c.Keys != nil && under == (hash{}) && (m.kind != typeConsent || m.answer != answerNo) {
		// The server can have written it. A no counts, whoever wrote it.
		if !p.clear {
			p.clear = true
			s.trouble(from, Plaintext, "speaks in the clear, where the room has keys")
		}
		return
	}
	if under != (hash{}) {
		p.closed, p.shut = time.Time{}, false
	}
	if m.to != "" && m.to != s.c.Identity {
		budget.left++ // it was sent to all: some clients cannot do otherwise
		return
	}
	if t, detail := s.receive(p, m, now); t != "" {
		s.trouble(from, t, detail)
	}
}

// unopened counts a sealed packet that no key opens. The key may come a little
// later.
func (s *Session) unopened(p *peer, now time.Time) {
	if p.closed.IsZero() {
		p.closed = now
	}
	if !p.shut && (s.c.Keys == nil || now.Sub(p.closed) >= keyGrace) {
		p.shut = true
		s.trouble(p.Identity, OtherKey, "speaks under a key that is not the room's")
	}
}

// receive handles a well-formed message. It returns what is wrong with it.
func (s *Session) receive(p *peer, m *message, now time.Time) (Trouble, string) {
	// Check the signature first: an unsigned message proves nothing.
	card := p.Card
	if m.kind == typeHello {
		var err error
		if card, err = keys.ParseCard(m.card); err != nil {
			return BadCard, err.Error()
		}
	} else if p.hello == nil {
		return "", "" // its hello was lost or comes later; then it sends this again
	}
	if !m.openedBy(card.Verifier()) {
		return BadSignature, "not signed by the key of " + card.Name
	}
	switch skew := now.Sub(m.time); {
	case m.room != s.c.Room:
		return OtherRoom, "a message for another room"
	case m.to == "" && m.kind != typeHello && m.kind != typeRecorder:
		return OtherIdentity, "an answer that was meant for nobody"
	case m.from != p.Identity:
		return OtherIdentity, "a message that was sent under another identity"
	case skew > maxSkew || skew < -maxSkew:
		return ClockSkew, "a message of " + m.time.Format(time.RFC3339) + ", by this clock it is " + now.UTC().Format(time.RFC3339)
	}
	switch m.kind {
	case typeHello:
		return s.hello(p, m, card, now)
	case typeProof:
		return s.proof(p, m, now)
	case typeRecorder:
		return s.heardState(p, m, now)
	case typeSeen:
		return s.seen(p, m, now)
	case typeConsent:
		return s.consent(p, m)
	default:
		return s.noted(p, m, now)
	}
}

func (s *Session) hello(p *peer, m *message, card keys.Card, now time.Time) (Trouble, string) {
	sum := hash(sha256.Sum256(m.card))
	if p.over[visit{m.nonce, sum}] {
		return Stale, "a hello of a session that is over"
	}
	if card.Key == s.vkey {
		return Impostor, "says hello with this member's own card"
	}
	how, err := s.c.Judge.CanAdd(card)
	switch {
	case poses(err):
		// The first user of the name is suspect too, and not only the second.
		s.trouble(p.Identity, Impostor, err.Error())
		how = keys.Stranger
	case err != nil:
		return BadCard, err.Error()
	}
	again := p.hello != nil && p.visit() == visit{m.nonce, sum}
	var trouble Trouble
	var detail string
	if !again {
		if p.hello != nil {
			if len(p.over) >= maxVisits {
				return Flood, "more sessions than are followed"
			}
			if p.over == nil {
				p.over = make(map[visit]bool)
			}
			p.over[p.visit()] = true
			p.helloed, p.hailed = 0, time.Time{}
			if p.CardHash != sum {
				// The server may have replaced the participant: what was proved
				// and said before does not count for the new one.
				trouble, detail = OtherCard, "says hello with another card than before"
			}
		}
		p.fresh(now)
		if said, ok := s.refusals.of(p.Identity); ok {
			p.Answered = said // a no stands for the identity, whoever is here now
		}
	}
	p.hello, p.Card, p.CardHash, p.Nonce = m, card, sum, m.nonce
	switch {
	case m.answers == s.nonce: // it has our hello
	case p.helloed == 0:
		s.greet(p, now)
	case now.Sub(p.hailed) >= hailAgain:
		s.hail(p, now)
	}
	// A peer that sends hello again has not got our proof, even if we have its
	// proof.
	s.prove(p)
	if p.standing(how); !again {
		s.changed(p)
	}
	return trouble, detail
}

// poses reports whether a card was refused because its name is somebody else's.
// It may be a stranger's who has the same name.
func poses(err error) bool {
	return errors.Is(err, keys.ErrNameTaken) || errors.Is(err, keys.ErrKeyTaken) || errors.Is(err, keys.ErrOtherRole)
}

// fresh drops what a peer's last session proved and said.
func (p *peer) fresh(now time.Time) {
	p.began, p.silent = now, false
	p.proved, p.Recorder, p.State, p.Digest, p.Code, p.sequence, p.whole, p.parts = false, false, State{}, [32]byte{}, "", 0, 0, nil
	p.Seen, p.confirmed, p.owes = false, 0, time.Time{}
	p.Answered, p.Yes, p.Said, p.number, p.voided = time.Time{}, false, nil, 0, false
}

// standing sets a peer's Standing from how its card is known.
func (p *peer) standing(how keys.Acquaintance) {
	switch {
	case !p.proved || !p.here:
		p.Standing = Unknown
	case how == keys.Known || how == keys.Approved:
		p.Standing = Verified
	default:
		p.Standing = Claimed
	}
}

// prove answers a peer's hello.
func (s *Session) prove(p *peer) {
	sid := s.c.SID()
	if sid == "" {
		return // they ask again
	}
	m := s.message(typeProof)
	m.sid = sid
	m.answers, m.own, m.other = p.hello.nonce, s.own, p.CardHash
	s.send(p.Identity, m)
}

func (s *Session) proof(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.answers != s.nonce:
		return Stale, "a proof that answers another question"
	case m.nonce != p.hello.nonce:
		return Stale, "a proof of another session"
	case m.sid != s.c.SID():
		return OtherRoom, "a proof for another room of this name"
	case m.key != m.under:
		return OtherKey, "a proof for a room of another key"
	case m.own != p.CardHash:
		return OtherCard, "a proof for another card than that of its hello"
	case m.other != s.own:
		return Swapped, "was shown another card as this member's"
	case p.proved:
		return "", ""
	}
	how, err := s.c.Judge.CanAdd(p.Card)
	if err != nil && !poses(err) {
		return BadCard, err.Error()
	}
	p.proved, p.silent, p.judged = true, false, now
	p.standing(how)
	s.changed(p)
	if s.state != nil {
		s.tell(p)
	}
	return "", ""
}
