package bot

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxAttendees is for how many members the standing is remembered. All others are
// strangers.
const maxAttendees = 4096

// An attendee is what is known of a member who is in the room, or of one who left and
// can open all of the recording. The roster says who is in the room.
type attendee struct {
	visit    int         // for which this holds; another visit may be somebody else's
	cards    []keys.Card // of the person; nil: not known
	how      string      // how they were identified: a media.VerifiedBy reason
	name     string      // on their card
	lapsed   bool        // they proved who they are once, and somebody else may be here now
	claimed  bool        // they proved a card that is not pinned
	known    Known       // what the room itself knows of them
	untold   bool        // the timeline lacks by what the room knows them
	vouched  bool        // the operator said whose cards those are by which the room verified them
	unseated bool        // they are a reader without a place, and that was reported
	ready    bool        // they confirmed what the recorder says, or need not
	key      string      // of the card in their hello
	consent
	signed  signed // their last answer by their key
	noBy    string // the key of the card that said no; "": none
	doubted bool   // it was reported that a yes of theirs does not count

	// In a room whose members make its keys:
	keyed    string // what was last said of their key
	attested []byte // their card, as the timeline has it
}

// A signed answer is one that came by the member protocol.
type signed struct {
	at  time.Time
	yes bool
}

// consider takes in what the session knew of a participant when the recorder had been
// away absences times.
func (m *membership) consider(p member.Peer, absences int) {
	var cards []keys.Card
	if p.Standing == member.Verified {
		// The cards of all their devices, and the one in their hello: it may be only
		// approved and not pinned, or newer than the pinned one.
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
	m.noteStanding(p.Identity, before, *now)
	if p.Standing == member.Claimed && !before.claimed {
		m.note(func(rec *recorder.Recorder) error { return rec.Claimed(p.Identity, p.Card.Name, "") })
	}
	if said != unanswered && m.keys != nil {
		m.keys.answered(p.Identity, said == yes)
	}
	if rec := m.recorder(); rec != nil {
		rec.Reconsider(p.Identity)
	}
	if said != unanswered {
		m.answered(p.Identity, consent{said: said}, "by their client")
		if m.keys != nil && p.Said != nil {
			m.attest(p.Identity, media.NoteConsent, p.Said)
		}
	}
	m.announce()
}

// recorder returns the recorder. It is nil before the recording.
func (m *membership) recorder() *recorder.Recorder {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rec
}

// learn notes what is known of a participant now, with all their cards. It returns what
// was known before, what is known now, and their answer if it is new. now is nil if they
// have left.
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
		a.takeKnown()
	}
	if before.key != "" && before.key != p.Card.Key {
		if a.signed = (signed{}); a.said == yes {
			a.consent = consent{} // that yes was somebody else's; a no would stand
		}
	}
	a.key = p.Card.Key
	a.claimed = p.Standing == member.Claimed
	a.ready = p.Card.Key == "" || p.Seen || p.Standing != member.Verified
	m.roster.Stand(p.Identity, a.visit, a.standing())
	switch now := (signed{p.Answered, p.Yes}); {
	case p.Answered.IsZero() || now == a.signed: // not new: they may have written another answer since
	case absences != m.absences:
		m.changed[p.Identity] = true // the answer may be from before the absence: look again
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

// attendee returns the attendee with an identity, and adds them if they are new. It
// returns nil if there are too many. The caller holds m.mu.
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

// now returns the attendee with an identity. It returns nil if somebody else is here
// under that identity now. The caller holds m.mu.
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
	m.recognizeComer(identity)
	m.session.Joined(identity)
	m.announce()
}

func (m *membership) went(identity string) {
	m.heedKeys() // while it is known whose card signed what they said last
	m.mu.Lock()
	if a := m.people[identity]; a != nil {
		switch {
		case m.whole && a.cards != nil:
			a.lapsed = a.how == media.VerifiedByProof || a.how == media.VerifiedByMatrix
			a.key, a.ready = "", true
			if a.said == yes {
				a.consent = consent{}
			}
		case a.said == no:
			// Remember the no, and their last signed answer: it must not count as new.
			again := attendee{ready: true, consent: a.consent, signed: a.signed, noBy: a.noBy}
			if a.how == media.VerifiedByOperator {
				again.cards, again.how, again.name = a.cards, a.how, a.name
			}
			*a = again
		default:
			delete(m.people, identity) // if they come back, they prove themselves and are asked again
		}
	}
	m.mu.Unlock()
	m.session.Left(identity)
	if m.exchange != nil {
		m.exchange.Left(identity)
		m.keys.left(identity)
	}
	m.announce()
}

// standing returns how the member with an identity was identified: in the present
// visit, or, if attendees can open all of the recording, in the last one. The caller
// holds m.mu.
func (m *membership) standing(identity string) string {
	a := m.people[identity]
	if m.whole && a != nil {
		return a.how
	}
	it, _ := m.roster.Here(identity)
	return it.Standing
}

// reads reports whether a member is a reader. The caller holds m.mu.
func (m *membership) reads(identity string) bool {
	switch m.standing(identity) {
	case media.VerifiedByOperator:
		return true
	case media.VerifiedByProof:
		return m.policy.Readers == ReadersVerified
	case media.VerifiedByMatrix:
		a := m.people[identity]
		return m.policy.Readers == ReadersVerified || a != nil && a.vouched
	}
	return false
}

// reader returns the name, standing and cards of a member who is a reader. Others have
// none.
func (m *membership) reader(identity string) (name, how string, cards []keys.Card) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[identity]
	if how = m.standing(identity); a == nil || !m.reads(identity) {
		return "", "", nil
	}
	return a.name, how, a.cards
}
