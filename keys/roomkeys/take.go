package roomkeys

import (
	"errors"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys/member"
)

const maxSkew = 10 * time.Minute

// Receive handles a message that came from an identity, as LiveKit reports it. The
// caller bounds how many come: a member.Session does. Messages of other types, for
// others, and of those who are not proved are ignored.
func (x *Exchange) Receive(from string, data []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.peers[from]
	if p == nil || x.over {
		return // what matters is sent again
	}
	now := time.Now()
	if err := fault.Contain(func() { x.take(p, data, now) }); err != nil {
		x.c.Log.Error("a member's keys could not be followed", "err", err)
		x.forget(p, now)
	}
}

func (x *Exchange) take(p *peer, data []byte, now time.Time) {
	m, err := parse(data)
	switch {
	case errors.Is(err, errType):
		return
	case err != nil:
		x.trouble(p.seat.Identity, member.Malformed, err.Error())
		return
	case m.to != "" && m.to != x.c.Identity:
		return // it was sent to all: some clients cannot do otherwise
	}
	if t, detail := x.receive(p, m, now); t != "" {
		x.trouble(p.seat.Identity, t, detail)
	}
}

// receive handles a well-formed message. It returns what is wrong with it.
func (x *Exchange) receive(p *peer, m *message, now time.Time) (member.Trouble, string) {
	if !m.signedBy(p.verifier) {
		return member.BadSignature, "a " + m.shortKind() + " that its card's key did not sign"
	}
	forAll := m.kind == typeHere || m.kind == typeBye
	switch skew := now.Sub(m.time); {
	case m.room != x.c.Room:
		return member.OtherRoom, "a message for another room"
	case m.from != p.seat.Identity:
		return member.OtherIdentity, "a message that was sent under another identity"
	case forAll != (m.to == ""):
		return member.OtherIdentity, "a " + m.shortKind() + " that is meant for others than it may be"
	case skew > maxSkew || skew < -maxSkew:
		return member.ClockSkew, "a message of " + m.time.Format(time.RFC3339)
	case m.nonce != p.seat.Nonce:
		return member.Stale, "a " + m.shortKind() + " of another session"
	case !forAll && m.answers != x.c.Nonce:
		return member.Stale, "a " + m.shortKind() + " for another session"
	case p.gone || p.standing == member.Unknown:
		return "", "" // the server says that it is not here
	}
	switch m.kind {
	case typeSession:
		return x.heardSession(p, m, now)
	case typeKey:
		return x.heardKey(p, m, now)
	case typeHere:
		return x.heardHere(p, m, now)
	case typeWant:
		return x.heardWant(p, m)
	default:
		p.bye = true
		x.leave(p, now.Add(gather), now)
		return "", ""
	}
}

// heardSession takes a peer's KEM key.
func (x *Exchange) heardSession(p *peer, m *message, now time.Time) (member.Trouble, string) {
	switch hash := hashOf(m.kem); {
	case m.generation < p.theirs.generation:
		return member.Stale, "an old KEM key"
	case m.generation == p.theirs.generation && hash != p.theirs.hash:
		return member.Malformed, "two KEM keys of one number"
	case m.generation == p.theirs.generation:
		p.sayEnc = p.enc != nil
	case p.theirs.generation > 0 && now.Sub(p.theirs.at) < offerEvery/2:
		return member.Flood, "more KEM keys than are taken"
	default:
		p.theirs = theirs{generation: m.generation, hash: hash, public: m.kem, at: now}
		if m.generation == 1 {
			p.heard = now
		}
	}
	p.resend = true
	x.wakeUp()
	return "", ""
}

// heardWant takes a peer's wish for the key.
func (x *Exchange) heardWant(p *peer, m *message) (member.Trouble, string) {
	if m.number <= p.wantNumber {
		return member.Stale, "an old wish for a key"
	}
	p.wantNumber = m.number
	p.resend = true
	p.sayEnc = p.sayEnc || m.chain == 0 && p.enc != nil
	x.wakeUp()
	return "", ""
}

// heardKey takes a peer's key, or why there is none.
func (x *Exchange) heardKey(p *peer, m *message, now time.Time) (member.Trouble, string) {
	r := x.rings[p.seat.Identity]
	if r == nil {
		r = newRing(p.seat.Identity, x.c.Notify)
		x.rings[p.seat.Identity] = r
	}
	if m.box == nil {
		return x.heardWhy(p, r, m, now)
	}
	if x.c.Records != nil && !x.c.Records(m.recording, m.state) {
		return member.Stale, "a key for another recording, or a state that was not told"
	}
	pc, opened, trouble, detail := x.pairOf(p, m, now)
	if pc == nil {
		return trouble, detail
	}
	s, err := pc.open(m.serial, m.box, m.before)
	switch {
	case errors.Is(err, errSerial):
		if m.serial > pc.serial {
			p.ask(now) // too many were lost
		}
		return member.Stale, "a key that came before, or too late"
	case err != nil:
		return BadBox, "a key that does not open"
	}
	defer s.wipe()
	if opened {
		if p.in != nil {
			p.in.secret.wipe()
		}
		p.in, p.inGeneration, p.inSince = pc, m.generation, now
		p.offer.private.wipe()
		p.offer = nil
	}
	return x.taken(p, r, &chain{number: m.chain, index: m.index, secret: s}, m, now)
}

// pairOf returns the chain of the pair that a key is sealed by. opened says that it is
// a new one, from the message's enc.
func (x *Exchange) pairOf(p *peer, m *message, now time.Time) (pc *pairChain, opened bool, t member.Trouble, detail string) {
	switch {
	case p.in != nil && m.generation == p.inGeneration:
		return p.in, false, "", ""
	case p.offer == nil && m.generation == p.generation:
		// It answers an offer that was erased since: it gives its key after all.
		p.withheld = ""
		if p.ask(now); p.askAt.After(now) {
			p.askAt = now
		}
		return nil, false, "", ""
	case p.offer == nil || m.generation != p.offer.generation:
		return nil, false, member.Stale, "a key by a secret that is no longer used"
	case m.enc == nil:
		return nil, false, "", "" // the message with it was lost, and is asked for
	}
	first, err := x.kem.open(m.enc, &p.offer.private, x.pairFrom(p, p.offer).info())
	if err != nil {
		return nil, false, BadBox, "a key by a secret that does not open"
	}
	defer first.wipe()
	return &pairChain{secret: first}, true, "", ""
}

// taken installs a chain that a peer gave.
func (x *Exchange) taken(p *peer, r *ring, c *chain, m *message, now time.Time) (member.Trouble, string) {
	defer c.secret.wipe()
	if c.number < max(r.number(), p.withheldChain) {
		return "", "" // the server held it back until the next, or a no, had come
	}
	p.speaks, p.withheld = true, ""
	p.satisfied()
	if c.number > r.number() {
		own := *c
		r.take(&own, now)
		x.c.Notify(Event{Kind: Given, Identity: p.seat.Identity, Note: m.note})
	} else if d := r.chain.distance(c.index); d <= maxBehind {
		if r.advance(d, now); r.chain.secret != c.secret {
			return x.twoKeys(p)
		}
	}
	if q := p.doubt; q != nil && q.chain == r.number() {
		p.doubt = nil
		return x.confirm(p, r, *q)
	}
	return "", ""
}

// confirm compares a commitment once more, after the key was asked for again.
func (x *Exchange) confirm(p *peer, r *ring, q doubt) (member.Trouble, string) {
	if d := r.chain.distance(q.index); d <= Ahead {
		if key := r.chain.at(d); commitment(key) != q.commit {
			return x.twoKeys(p)
		}
	}
	return "", ""
}

// heardWhy takes why a peer gives no key. What it gave before goes as if a later chain
// had come.
func (x *Exchange) heardWhy(p *peer, r *ring, m *message, now time.Time) (member.Trouble, string) {
	if m.chain < p.withheldChain || m.chain <= r.number() {
		return member.Stale, "an old word about its key"
	}
	changed := p.withheld != m.why
	p.withheld, p.withheldChain, p.speaks = m.why, m.chain, true
	p.satisfied()
	r.leave(now.Add(freshUse + keyGrace))
	if changed {
		x.c.Notify(Event{Kind: Withheld, Identity: p.seat.Identity, Why: m.why, Note: m.note})
	}
	return "", ""
}
