package bot

import (
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// Some kinds of rooms know by themselves who their members are: see Meeting.Known. Such a
// member is verified by that until they prove it by the key of their card, and again if
// that proof lapses. The operator's word stands before either.

// takeKnown has an attendee whom nothing else verifies be who the room knows them for.
func (a *attendee) takeKnown() {
	if a.how != "" && a.how != media.VerifiedByMatrix && !(a.how == media.VerifiedByProof && a.lapsed) {
		return
	}
	if len(a.known.Cards) > 0 {
		a.cards, a.how, a.name, a.lapsed = a.known.Cards, a.known.Standing, a.known.Cards[0].Name, false
		a.vouched = a.known.Named
	}
}

// standing returns how the attendee is identified, for the roster.
func (a *attendee) standing() string {
	if a.claimed || a.how == "" && a.known.Standing == recorder.StandingClaimed {
		return recorder.StandingClaimed
	}
	return a.how
}

// recognizeComer asks who somebody is who has just come. If they are a reader, the recorder
// notes that with their coming; what else there is to note, recognize does a moment later.
func (m *membership) recognizeComer(identity string) {
	if m.known == nil {
		return
	}
	known := m.known(identity)
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[identity]
	if a == nil {
		return
	}
	a.known = known
	a.takeKnown()
	m.roster.Stand(identity, a.visit, a.standing())
	a.untold = known.Standing != "" && !m.reads(identity)
	if a.untold {
		m.changed[identity] = true
		signalTo(m.wake)
	}
}

// recognize asks again who a member is. What is not known of them any more ends at once what
// they could read by it.
func (m *membership) recognize(identity string) {
	if m.known == nil {
		return
	}
	known := m.known(identity)
	m.mu.Lock()
	a := m.now(identity)
	if a == nil {
		m.mu.Unlock()
		return
	}
	before := *a
	a.known = known
	if before.how == media.VerifiedByMatrix && len(known.Cards) == 0 && !m.oneEpoch {
		// In one epoch they can open it in any case, and members are told so.
		a.cards, a.how, a.name = nil, "", ""
	}
	if before.how == media.VerifiedByMatrix && len(known.Cards) == 0 {
		a.lapsed = true
	}
	a.takeKnown()
	a.untold = before.untold || known.Standing == recorder.StandingClaimed && before.known.Standing != known.Standing
	m.roster.Stand(identity, a.visit, a.standing())
	after := *a
	rec := m.rec
	m.mu.Unlock()
	m.noteStanding(identity, before, after)
	if rec != nil {
		rec.Reconsider(identity)
	}
	m.announce()
}

// noteStanding puts into the timeline by what a member is verified, if that has changed, and
// what the room knows of them, if the timeline lacks it.
func (m *membership) noteStanding(identity string, before, now attendee) {
	switch {
	case now.how == media.VerifiedByOperator: // see recorder.Access
	case now.how != "" && (now.how != before.how || now.name != before.name || now.untold):
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(identity, now.name, now.how) })
	case now.how == "" && before.how != "" && before.how != media.VerifiedByOperator:
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(identity, "", "") })
	}
	if now.untold && now.how == "" && now.known.Standing == recorder.StandingClaimed {
		m.note(func(rec *recorder.Recorder) error {
			return rec.Claimed(identity, now.known.Name, media.ClaimedByMatrix)
		})
	}
	if !now.untold {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.now(identity); a != nil {
		a.untold = false
	}
}

// lookAtKnown asks again who members are whom the room knows: their cards may not count any
// more, or somebody pinned another.
func (m *membership) lookAtKnown() {
	if m.known == nil {
		return
	}
	for _, it := range m.roster.Members() {
		m.recognize(it.Identity)
	}
}
