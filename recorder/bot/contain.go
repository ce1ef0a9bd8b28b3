package bot

import (
	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// contain calls f, which handles one member, or nobody in particular. A fault in f ends
// nothing else. f may have been about to take in a no of the member. So after a fault
// the member is asked again, and has to prove again who they are.
func (m *membership) contain(identity string, f func()) {
	err := fault.Contain(f)
	if err == nil {
		return
	}
	m.log.Error("a member could not be followed", "err", err)
	if identity != "" && fault.Contain(func() { m.doubt(identity) }) != nil {
		m.log.Error("a member could not be forgotten")
	}
}

// doubt forgets what a participant agreed to and proved.
func (m *membership) doubt(identity string) {
	m.mu.Lock()
	a, rec, lost := m.people[identity], m.rec, false
	if a != nil {
		if a.said == yes {
			a.consent, a.signed = consent{}, signed{}
		}
		if a.how == media.VerifiedByProof {
			if a.lapsed = true; !m.whole {
				a.cards, a.how, a.name, lost = nil, "", "", true
				m.roster.Stand(identity, a.visit, a.standing())
			}
		}
	}
	m.mu.Unlock()
	if rec != nil {
		rec.Reconsider(identity)
	}
	if lost {
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(identity, "", "") })
	}
}
