package bot

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxAttendees bounds those whose standing is remembered; more are strangers.
const maxAttendees = 4096

// An attendee is what is known of someone in the room, or who was there and reads
// all. Whether they are here is the roster's to say.
type attendee struct {
	visit    int         // in which that holds: another is another's, until they prove who they are
	cards    []keys.Card // who they are, nil if that is not known
	how      string      // by what, a media.VerifiedBy reason
	name     string      // on their card
	lapsed   bool        // they proved it once, and it may be another who is here now
	claimed  bool        // they proved a card that is not pinned
	unseated bool        // they are a reader and found no place, which was told
	ready    bool        // they need not confirm what the recorder says, or have
	key      string      // of the card that they said hello with
	consent
	signed  signed // what they said with their key last
	noBy    string // the key of the card under which they said no, "" for none
	doubted bool   // a yes that did not count was told of
}

// A signed answer is one that the session had.
type signed struct {
	at  time.Time
	yes bool
}

// consider takes what was known of a participant after so many absences.
func (m *membership) consider(p member.Peer, absences int) {
	var cards []keys.Card
	if p.Standing == member.Verified {
		// All their devices; and the one they are here with, which may be approved by one
		// of those and not be pinned, or have a newer card.
		if m.home != nil {
			pinned, err := m.home.Person(p.Card.Name)
			if err != nil {
				m.log.Debug("nothing but the card in the hello is known", "err", err)
			}
			cards = pinned
		}
		if !slices.ContainsFunc(cards, func(c keys.Card) bool {
			return c.Key == p.Card.Key && slices.Equal(c.Recipients, p.Card.Recipients)
		}) {
			cards = append(cards, p.Card)
		}
	}
	before, now, said := m.learn(p, cards, absences)
	if now == nil {
		return // they have left
	}
	switch {
	case len(cards) > 0 && now.how == media.VerifiedByProof && (before.cards == nil || before.name != p.Card.Name):
		m.note(func(rec *recorder.Recorder) error {
			return rec.Verified(p.Identity, p.Card.Name, media.VerifiedByProof)
		})
	case before.how == media.VerifiedByProof && now.how == "":
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(p.Identity, "", "") })
	}
	if p.Standing == member.Claimed && !before.claimed {
		m.note(func(rec *recorder.Recorder) error { return rec.Claimed(p.Identity, p.Card.Name) })
	}
	if rec := m.recorder(); rec != nil {
		rec.Reconsider(p.Identity)
	}
	if said != unanswered {
		m.answered(p.Identity, consent{said: said}, "by their client")
	}
	m.announce()
}

// recorder returns the recorder, nil before it records.
func (m *membership) recorder() *recorder.Recorder {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rec
}

// learn notes what is known of a participant now, with all their cards, and returns
// what was before, what is, nil for one who has left, and what they said since.
func (m *membership) learn(p member.Peer, cards []keys.Card, absences int) (before attendee, now *attendee, said reply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[p.Identity]
	if a == nil {
		return before, nil, unanswered
	}
	before = *a
	if _, named := m.named[p.Identity]; named {
		cards = nil // the operator's word stands
	} else if p.Standing == member.Verified {
		a.cards, a.how, a.name, a.lapsed = cards, media.VerifiedByProof, p.Card.Name, false
	} else if a.how == media.VerifiedByProof {
		// They were replaced, or their card does not count any more.
		if a.lapsed = true; !m.whole {
			a.cards, a.how, a.name = nil, "", ""
		}
	}
	if before.key != "" && before.key != p.Card.Key {
		if a.signed = (signed{}); a.said == yes {
			a.consent = consent{} // that was somebody else; their no stands
		}
	}
	a.key = p.Card.Key
	a.claimed = p.Standing == member.Claimed
	a.ready = p.Card.Key == "" || p.Seen || p.Standing != member.Verified
	standing := a.how
	if a.claimed {
		standing = recorder.StandingClaimed
	}
	m.roster.Stand(p.Identity, a.visit, standing)
	switch now := (signed{p.Answered, p.Yes}); {
	case p.Answered.IsZero() || now == a.signed: // else they may have written otherwise since
	case absences != m.absences:
		m.changed[p.Identity] = true // it may be of before: look again
		signalTo(m.wake)
	default:
		if a.signed = now; !p.Yes {
			said = no
		} else if !a.refuses(p.Card.Key) {
			said = yes
		}
	}
	after := *a
	return before, &after, said
}

// attendee returns what is known of somebody, nil where there are too many. m.mu
// is held.
func (m *membership) attendee(identity string) *attendee {
	a := m.people[identity]
	if a == nil && len(m.people) < maxAttendees {
		a = &attendee{ready: true}
		if cards, ok := m.named[identity]; ok {
			a.cards, a.how, a.name = cards, media.VerifiedByOperator, cards[0].Name
		}
		m.people[identity] = a
	}
	return a
}

// now returns what is known of who is here under an identity, nil if that is
// nothing: it was of somebody who was replaced. Of who is not here any more it is
// what was known of them. m.mu is held.
func (m *membership) now(identity string) *attendee {
	a := m.people[identity]
	if it, here := m.roster.Here(identity); a != nil && here && it.Visit != a.visit {
		return nil
	}
	return a
}

// came and went follow who is in the room.
func (m *membership) came(identity string, visit int) {
	m.mu.Lock()
	if a := m.attendee(identity); a != nil {
		a.visit = visit
		m.roster.Stand(identity, visit, a.how)
	}
	m.mu.Unlock()
	m.session.Joined(identity)
	m.announce()
}

func (m *membership) went(identity string) {
	m.mu.Lock()
	if a := m.people[identity]; a != nil {
		switch {
		case m.whole && a.cards != nil:
			a.lapsed = a.how == media.VerifiedByProof
			a.key, a.ready = "", true
			if a.said == yes {
				a.consent = consent{}
			}
		case a.said == no:
			// What they said before that does not count again.
			again := attendee{ready: true, consent: a.consent, signed: a.signed, noBy: a.noBy}
			if a.how == media.VerifiedByOperator {
				again.cards, again.how, again.name = a.cards, a.how, a.name
			}
			*a = again
		default:
			delete(m.people, identity) // who comes back proves it, and is asked, again
		}
	}
	m.mu.Unlock()
	m.session.Left(identity)
	m.announce()
}

// standing is by what an identity is taken for somebody: in the visit that goes on,
// or, where who attended reads all, in the last. m.mu is held.
func (m *membership) standing(identity string) string {
	a := m.people[identity]
	if m.whole && a != nil {
		return a.how
	}
	it, _ := m.roster.Here(identity)
	return it.Standing
}

// reads reports whether who has a standing is a reader.
func (m *membership) reads(standing string) bool {
	return standing == media.VerifiedByOperator || standing == media.VerifiedByProof && m.policy.Readers == "verified"
}

// reader returns the cards of a member who reads what they attend.
func (m *membership) reader(identity string) (name, how string, cards []keys.Card) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[identity]
	if how = m.standing(identity); a == nil || !m.reads(how) {
		return "", "", nil
	}
	return a.name, how, a.cards
}
