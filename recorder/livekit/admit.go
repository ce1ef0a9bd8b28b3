package livekit

import (
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
)

// Review asks Config.Admit again about a member: it begins to receive their tracks, or
// stops. Tracks that are not received any more end.
func (r *Room) Review(identity string) {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	p := s.room.GetParticipantByIdentity(identity)
	if p == nil || !s.alive() {
		return
	}
	s.contain(identity, func() {
		wanted := r.mayReceive(s, identity)
		for _, pub := range p.TrackPublications() {
			pub, ok := pub.(*lksdk.RemoteTrackPublication)
			switch {
			case !ok:
			case wanted:
				s.want(pub, p)
			default:
				s.drop(pub)
			}
		}
	})
}

// drop has the server send a track no more. The track ends when the server has confirmed
// that.
func (s *session) drop(pub *lksdk.RemoteTrackPublication) {
	_, _ = s.requests.take(pub.SID())
	if !hasCome(pub) {
		return
	}
	s.mu.Lock()
	var t *track
	for _, it := range s.tracks {
		if it.info.ID == pub.SID() {
			t = it
		}
	}
	s.mu.Unlock()
	if t != nil {
		t.Postpone()
	} else if err := pub.SetSubscribed(false); err != nil {
		s.r.log.Warn("a track could not be unsubscribed from", "track", pub.SID(), "err", err)
	}
}

// Publishing returns the identities of members who publish something.
func (r *Room) Publishing() (identities []string) {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	for _, p := range s.room.GetRemoteParticipants() {
		if len(p.TrackPublications()) > 0 {
			identities = append(identities, p.Identity())
		}
	}
	return identities
}

// RoundTrip returns how long something takes to the server and back, as measured last. 0
// means that it is not known.
func (r *Room) RoundTrip() time.Duration {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	pc := s.room.LocalParticipant.GetSubscriberPeerConnection()
	if pc == nil {
		return 0
	}
	var best time.Duration
	for _, stat := range pc.GetStats() {
		pair, ok := stat.(webrtc.ICECandidatePairStats)
		if ok && pair.Nominated && pair.CurrentRoundTripTime > 0 {
			best = max(best, time.Duration(pair.CurrentRoundTripTime*float64(time.Second)))
		}
	}
	return best
}
