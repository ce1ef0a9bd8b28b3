package roomkeys

import (
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

const (
	stepEvery   = time.Second      // joins of so long share a step
	gather      = 2 * time.Second  // leaves of so long share a fresh chain
	freshEvery  = 5 * time.Second  // leaves make no more of them
	quickEvery  = time.Second      // refusals make no more of them, but for two at once
	useFor      = time.Minute      // then a key is stepped on
	chainFor    = 10 * time.Minute // then a chain is replaced
	stepsBefore = 3                // steps without saying where the chain is
)

// own is what this member encrypts under, and when that changes.
type own struct {
	chain    *chain // in use; nil for who only listens
	next     *chain // handed out, and not in use yet; nil for none
	nextAt   time.Time
	begun    time.Time // when chain was first used
	stepped  time.Time // when the key in use was first used
	joined   time.Time // when the last step for who joined was
	freshed  time.Time // when the last fresh chain was made
	rotateAt time.Time // when one is to be made; zero: it is not
	quick    bool      // it is for a refusal
	heedAt   time.Time // from then on two refusals can be heeded at once
	steps    int       // since all were told where the chain is
}

// newest is the number of the latest chain that was handed out.
func (o *own) newest() int {
	switch {
	case o.next != nil:
		return o.next.number
	case o.chain != nil:
		return o.chain.number
	}
	return 0
}

// rotate asks for a fresh chain.
func (o *own) rotate(at time.Time, quick bool) {
	if o.rotateAt.IsZero() || at.Before(o.rotateAt) {
		o.rotateAt = at
	}
	o.quick = o.quick || quick
}

func (o *own) wipe() {
	for _, c := range []*chain{o.chain, o.next} {
		if c != nil {
			c.secret.wipe()
		}
	}
	*o = own{}
}

// use makes c the chain in use, whose ownership it takes.
func (x *Exchange) use(c *chain, now time.Time) {
	old := x.own.chain
	x.hereAt = now // whoever has not got it can ask for it
	x.own.chain, x.own.begun, x.own.stepped, x.own.steps = c, now, now, 0
	x.install(c)
	if old != nil {
		old.secret.wipe()
		x.c.Notify(Event{Kind: Retire, Identity: x.c.Identity, Index: old.index})
	}
}

// step moves the chain in use to its next key.
func (x *Exchange) step(now time.Time) {
	o := &x.own
	if o.steps >= stepsBefore {
		x.here(now) // or receivers would run out of keys
	}
	old := o.chain.index
	o.chain.step()
	o.stepped = now
	o.steps++
	x.install(o.chain)
	x.c.Notify(Event{Kind: Retire, Identity: x.c.Identity, Index: old})
}

// install installs this member's own key, and uses it.
func (x *Exchange) install(c *chain) {
	key := c.key()
	x.c.Notify(Event{Kind: Install, Identity: x.c.Identity, Index: c.index, Key: key[:]})
	key.wipe()
	x.c.Notify(Event{Kind: Use, Identity: x.c.Identity, Index: c.index})
}

// handOut gives the key to whom it is due, and takes it from whom it is not.
func (x *Exchange) handOut(now time.Time) {
	o := &x.own
	if o.chain == nil {
		return
	}
	if o.next != nil && !now.Before(o.nextAt) {
		next := o.next
		o.next = nil
		x.use(next, now)
		for _, p := range x.peers {
			p.holds = p.given == next.number
		}
	}
	for _, identity := range x.order {
		p := x.peers[identity]
		refused := x.refused(p) != ""
		// A recorder that is refused loses the key even while the server does not list it.
		if ok, _ := x.may(p); !ok && (refused || p.left.IsZero()) {
			x.lose(p, now.Add(gather), now)
		}
		if soon := now.Add(quickUse); refused && p.holds && o.next != nil && soon.Before(o.nextAt) {
			o.nextAt = soon // it was made for others, and this recorder has not got it
		}
	}
	if o.next == nil && now.Sub(o.begun) >= chainFor {
		o.rotate(now, false)
	}
	if !o.rotateAt.IsZero() && !now.Before(o.rotateAt) && o.mayFresh(now) {
		x.fresh(now)
	}
	x.admit(now)
	if o.next == nil && now.Sub(o.stepped) >= useFor {
		x.step(now)
	}
}

// mayFresh reports whether a fresh chain may be made now. Others do not delay one for a
// refusal.
func (o *own) mayFresh(now time.Time) bool {
	if o.quick {
		return o.heedAt.Sub(now) <= quickEvery
	}
	return o.freshed.IsZero() || now.Sub(o.freshed) >= freshEvery
}

// lose asks for a fresh chain if somebody who has the key may not have it any longer: at
// once for a recorder.
func (x *Exchange) lose(p *peer, at, now time.Time) {
	switch {
	case p.given == 0 || p.given != x.own.newest():
	case p.recorder:
		x.own.rotate(now, true)
	default:
		x.own.rotate(at, false)
	}
}

// waits reports whether a recorder that is to have the key gets it only later: when it
// could be taken back at once, twice.
func (x *Exchange) waits(p *peer, now time.Time) bool { return p.recorder && now.Before(x.own.heedAt) }

// fresh makes a fresh chain and hands it to all who are to have it.
func (x *Exchange) fresh(now time.Time) {
	o := &x.own
	last, after := o.chain, freshUse
	if o.next != nil {
		last = o.next // which some have installed already
	}
	if o.quick {
		after = quickUse
		if o.heedAt.Before(now) {
			o.heedAt = now
		}
		o.heedAt = o.heedAt.Add(quickEvery)
	}
	next := begin(o.newest()+1, last.index+freshBy)
	if o.next != nil {
		o.next.secret.wipe()
	}
	o.next, o.nextAt, o.freshed = next, now.Add(after), now
	o.rotateAt, o.quick = time.Time{}, false
	for _, identity := range x.order {
		p := x.peers[identity]
		if ok, _ := x.may(p); ok && p.given != 0 && (p.given == last.number || !x.waits(p, now)) {
			x.give(p, o.next, now)
		}
	}
}

// admit gives the key to those who are to have it and have not, and gives it again
// to those who asked. The others are told why not.
func (x *Exchange) admit(now time.Time) {
	o := &x.own
	var join []*peer
	for _, identity := range x.order {
		p := x.peers[identity]
		ok, why := x.may(p)
		if p.theirs.generation == 0 {
			continue // nothing can be sealed to it, nor would it understand
		}
		switch {
		case ok && p.given != o.newest():
			if !x.waits(p, now) && x.pairUp(p) {
				join = append(join, p)
			}
		case ok && p.resend && now.Sub(p.answered) >= answerEvery:
			if o.next != nil && p.holds {
				enc := p.sayEnc
				x.give(p, o.chain, now)
				p.sayEnc, p.given = enc, o.newest()
			}
			x.give(p, x.latest(), now)
		case !ok && why != "" && p.given != o.newest() &&
			(p.told != why || p.resend && now.Sub(p.answered) >= answerEvery):
			x.deny(p, why, now)
		}
	}
	switch {
	case len(join) == 0:
	case o.next != nil:
		for _, p := range join {
			x.give(p, o.next, now)
		}
	case o.joined.IsZero() || now.Sub(o.joined) >= stepEvery:
		x.step(now)
		o.joined = now
		for _, p := range join {
			if x.give(p, o.chain, now) {
				p.holds = true
			}
		}
	}
}

func (x *Exchange) latest() *chain {
	if x.own.next != nil {
		return x.own.next
	}
	return x.own.chain
}

// pairUp makes the secret of a pair from the peer's offer, if there is a new one.
func (x *Exchange) pairUp(p *peer) bool {
	if p.theirs.public == nil {
		return p.out != nil
	}
	enc, first, err := x.kem.seal(p.theirs.public, x.pairTo(p).info())
	p.theirs.public = nil
	if err != nil {
		x.trouble(p.seat.Identity, member.Malformed, "offers a KEM key to which nothing can be sealed")
		return false
	}
	if p.out != nil {
		p.out.secret.wipe()
	}
	p.out, p.enc, p.sayEnc = &pairChain{secret: first}, enc, true
	first.wipe()
	return true
}

// pairTo is the pair in which this member gives.
func (x *Exchange) pairTo(p *peer) pair {
	return pair{room: x.c.Room, from: x.c.Identity, to: p.seat.Identity, nonce: x.c.Nonce, answers: p.seat.Nonce,
		own: x.c.Card, other: p.seat.Card, generation: p.theirs.generation, kem: p.theirs.hash}
}

// pairFrom is the pair in which this member is given.
func (x *Exchange) pairFrom(p *peer, o *offer) pair {
	return pair{room: x.c.Room, from: p.seat.Identity, to: x.c.Identity, nonce: p.seat.Nonce, answers: x.c.Nonce,
		own: p.seat.Card, other: x.c.Card, generation: o.generation, kem: hashOf(o.public)}
}

// give seals a chain for a peer.
func (x *Exchange) give(p *peer, c *chain, now time.Time) bool {
	if !x.pairUp(p) {
		return false
	}
	m := x.message(typeKey, p, now)
	m.generation, m.chain, m.index, m.why = p.theirs.generation, c.number, c.index, given
	if p.recorder {
		m.recording, m.state = p.consent.recording, p.consent.state
	}
	if p.sayEnc {
		m.enc, p.sayEnc = p.enc, false
	}
	m.serial = p.out.serial + 1
	x.send(m, func(before string) []byte { return p.out.seal(&c.secret, before) })
	p.given, p.resend, p.answered, p.told = c.number, false, now, ""
	return true
}

// deny tells a peer why it is given no key.
func (x *Exchange) deny(p *peer, why Why, now time.Time) {
	m := x.message(typeKey, p, now)
	m.generation, m.chain, m.index, m.why = p.theirs.generation, x.own.newest(), x.latest().index, why
	m.recording = p.recording
	x.send(m, nil)
	p.told, p.resend, p.answered = why, false, now
}
