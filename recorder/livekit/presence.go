package livekit

import (
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// returnTime is how long members of a room that its server made anew may take
// to come back before they count as gone: the server lost them as it lost us.
// Until then they count as present for those who are to read what is recorded,
// too; who is here is the server's word at any time.
const returnTime = 15 * time.Second

// came tells of a member, once: whoever joins while we do is both in the
// server's list and in a callback, and whoever was here before we lost the room
// did not come anew.
func (r *Room) came(p *lksdk.RemoteParticipant) {
	identity := p.Identity()
	r.mu.Lock()
	told := r.present[identity]
	r.present[identity] = true
	r.mu.Unlock()
	if !told {
		r.emit(recorder.RoomEvent{Type: media.EventJoin, Participant: identity, Name: p.Name(), Machine: machine(p)})
	}
}

// went tells that a member left, once.
func (r *Room) went(identity string) {
	r.mu.Lock()
	here := r.present[identity]
	delete(r.present, identity)
	delete(r.told, identity) // who comes back is told again
	r.mu.Unlock()
	if here {
		r.emit(recorder.RoomEvent{Type: media.EventLeave, Participant: identity})
	}
}

// here returns the members whose join was told and whose leave was not.
func (r *Room) here() (identities []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for identity := range r.present {
		identities = append(identities, identity)
	}
	return identities
}

// machine reports whether a member is not a person, as the server says.
func machine(p *lksdk.RemoteParticipant) bool {
	switch lkproto.ParticipantInfo_Kind(p.Kind()) {
	case lkproto.ParticipantInfo_AGENT, lkproto.ParticipantInfo_EGRESS, lkproto.ParticipantInfo_INGRESS:
		return true
	}
	//lint:ignore SA1019 no other word says that a member of kind standard records
	return p.Permissions().GetRecorder()
}

// missing returns who was here and is not in the session.
func (r *Room) missing(s *session) (identities []string) {
	for _, identity := range r.here() {
		if s.room.GetParticipantByIdentity(identity) == nil {
			identities = append(identities, identity)
		}
	}
	return identities
}

// leaves tells who left while we were away. Where the room's server made the
// room anew, everyone had to come back, and has some time to.
func (r *Room) leaves(s, old *session) {
	// The SDK waits for an ID here, which a server may send late.
	if s.room.SID() != old.room.SID() && len(r.missing(s)) > 0 {
		t := time.NewTimer(returnTime)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.ended():
			return
		case <-r.closed:
			return
		}
	}
	for _, identity := range r.missing(s) {
		if s.alive() {
			r.went(identity)
		}
	}
}
