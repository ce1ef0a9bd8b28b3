package livekit

import (
	"github.com/sealtape/sealtape/recorder"
)

// Postpone implements recorder.Postponer. It tells the server not to send the
// track.
func (t *track) Postpone() {
	t.end()
	if err := t.pub.SetSubscribed(false); err != nil {
		t.s.r.log.Warn("a track could not be unsubscribed from", "track", t.info.ID, "err", err)
	}
}

// Published implements recorder.Postponer.
func (t *track) Published() bool {
	if !t.s.alive() {
		return false // in another session it comes anew
	}
	if t.s.r.c.Admit != nil && !t.s.r.c.Admit(t.info.Participant) {
		return false // it is not wanted again
	}
	p := t.s.room.GetParticipantByIdentity(t.info.Participant)
	if p == nil {
		return false
	}
	for _, pub := range p.TrackPublications() {
		if pub.SID() == t.info.ID {
			return true
		}
	}
	return false
}

// Again implements recorder.Postponer.
func (t *track) Again() {
	info := recorder.TrackInfo{ID: t.info.ID, Participant: t.info.Participant, Name: t.info.Name, Source: t.info.Source}
	t.s.requests.add(info, t.pub.IsMuted())
	t.s.ask(t.pub)
}

var _ recorder.Postponer = (*track)(nil)
