package roomkeys

import (
	"bytes"
	"slices"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

const (
	hereSoon   = 2 * time.Second
	hereLeast  = 30 * time.Second
	herePer    = time.Second / 2 // for each member
	splitAfter = 15 * time.Second
	apartFor   = time.Minute // however often somebody's roster changes meanwhile
)

// seen is a roster that was this member's until some time.
type seen struct {
	roster Hash
	until  time.Time
}

// seats returns whom this member sees, itself first.
func (x *Exchange) seats() []Seat {
	all := []Seat{{x.c.Identity, x.c.Card, x.c.Nonce}}
	for _, identity := range x.order {
		if p := x.peers[identity]; !p.gone && p.standing != member.Unknown {
			all = append(all, p.seat)
		}
	}
	return all
}

// rosterChanged notes that other members are here than before.
func (x *Exchange) rosterChanged(roster Hash, now time.Time) {
	x.rosters = append(x.rosters, seen{x.roster, now})
	for len(x.rosters) > 0 && now.Sub(x.rosters[0].until) >= splitAfter {
		x.rosters = x.rosters[1:]
	}
	x.roster = roster
	for _, p := range x.peers {
		if p.roster == roster {
			p.agrees()
		}
	}
	if soon := now.Add(hereSoon); soon.Before(x.hereAt) {
		x.hereAt = soon
	}
}

// agrees reports whether a roster is this member's, or was a moment ago.
func (x *Exchange) agrees(roster Hash, now time.Time) bool {
	if roster == x.roster {
		return true
	}
	for _, s := range x.rosters {
		if s.roster == roster && now.Sub(s.until) < splitAfter {
			return true
		}
	}
	return false
}

// hereEvery is how often a member says that it is here. members is what it says of
// the room's size.
func (x *Exchange) hereEvery(members int) time.Duration {
	n := max(len(x.order)+1, min(members, maxPeers))
	return max(hereLeast, time.Duration(n)*herePer)
}

// sayHere says that this member is here, if that is due. Before a fresh chain it waits
// for that a little, to say both at once.
func (x *Exchange) sayHere(now time.Time) {
	o := &x.own
	if soon := now.Add(hereSoon); soon.Before(x.hereAt) && !bytes.Equal(x.withheld(), x.said) {
		x.hereAt = soon
	}
	if soon := o.next != nil || !o.rotateAt.IsZero(); !now.Before(x.hereAt) && (!soon || now.Sub(x.hereAt) >= freshUse+hereSoon) {
		x.here(now)
	}
}

// here tells all where this member's chain is, whom it sees, and who gets no key.
func (x *Exchange) here(now time.Time) {
	m := x.message(typeHere, nil, now)
	x.heres++
	m.number, m.roster = x.heres, x.roster
	if c := x.own.chain; c != nil {
		key := c.key()
		m.chain, m.index, m.commit = c.number, c.index, commitment(key)
		key.wipe()
		x.own.steps = 0
	}
	m.members = len(x.seats())
	m.withheld = x.withheld()
	x.said = m.withheld
	x.send(m, nil)
	x.hereAt = now.Add(x.hereEvery(m.members))
}

// withheld are the tags of those who get no key, nil for none.
func (x *Exchange) withheld() (tags []byte) {
	if x.own.chain == nil {
		return nil
	}
	for _, identity := range x.order {
		p := x.peers[identity]
		if ok, why := x.may(p); !ok && why != "" && len(tags) < tagSize*maxTags {
			tag := p.seat.tag()
			tags = append(tags, tag[:]...)
		}
	}
	return tags
}

// heardHere handles a peer's here.
func (x *Exchange) heardHere(p *peer, m *message, now time.Time) (member.Trouble, string) {
	if m.number <= p.hereNumber {
		return member.Stale, "an old message about where its key is"
	}
	p.hereNumber, p.heard, p.mute, p.members = m.number, now, false, m.members
	if x.reseat(now); x.agrees(m.roster, now) {
		p.agrees()
	} else if p.differs.IsZero() || p.roster != m.roster {
		if p.differs = now; p.apart.IsZero() {
			p.apart = now
		}
	}
	p.roster = m.roster
	p.speaks = m.chain > 0
	if m.chain == 0 {
		return "", ""
	}
	r := x.rings[p.seat.Identity]
	switch {
	case r == nil || m.chain > r.number():
		if p.withheld == "" || x.overtakes(m, p) {
			p.withheld = ""
			p.ask(now)
		}
		return "", ""
	case m.chain < r.number():
		return "", "" // the next one was handed out before this was said
	}
	d := r.chain.distance(m.index)
	if d > maxBehind {
		return "", ""
	}
	r.advance(d, now)
	return x.compare(p, r, doubt{m.chain, m.index, m.commit}, now)
}

// overtakes reports whether a here shows that a peer has given its key since it said why it
// gives none: the message with the key was lost. A list that is full may lack this member.
func (x *Exchange) overtakes(m *message, p *peer) bool {
	if m.chain == p.withheldChain && len(m.withheld) >= tagSize*maxTags {
		return false
	}
	return m.chain >= p.withheldChain && !x.listed(m.withheld)
}

// listed reports whether this member is among those who get no key.
func (x *Exchange) listed(withheld []byte) bool {
	own := Seat{x.c.Identity, x.c.Card, x.c.Nonce}.tag()
	for tag := range slices.Chunk(withheld, tagSize) {
		if bytes.Equal(tag, own[:]) {
			return true
		}
	}
	return false
}

// compare compares what a peer says of its key with what it gave. It may be asked
// once.
func (x *Exchange) compare(p *peer, r *ring, said doubt, now time.Time) (member.Trouble, string) {
	key := r.chain.key()
	defer key.wipe()
	if commitment(key) == said.commit {
		p.doubt = nil
		return "", ""
	}
	if p.doubt == nil {
		p.doubt = &said
		p.ask(now)
		return "", ""
	}
	return x.twoKeys(p)
}

// twoKeys reports once that a peer shows members different keys.
func (x *Exchange) twoKeys(p *peer) (member.Trouble, string) {
	if p.twoKeys {
		return "", ""
	}
	p.twoKeys = true
	return TwoKeys, "says that it uses another key than it gave"
}
