package livekit

import (
	"cmp"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// returnTime is how long members may take to come back to a room that its server
// made anew: the server lost them as it lost the recorder. Until then they count
// as present for choosing readers too. The list of who is here always follows the
// server's reports.
const returnTime = 15 * time.Second

// A listing is who is in the room of a session, as its server reports it: the
// whole list at the join, and then every change, in order. The room's current
// session updates the roster with it. Guarded by Room.feed.
type listing struct {
	self  string // the recorder's own identity
	since int64  // when the server let the recorder in, as found.joined
	sid   string // of the room; "" while the server has not said
	found map[string]found
	// metadata are the room's.
	metadata string
	// missed are the members from before the recorder lost the room whom a server
	// that made it anew has not reported yet.
	missed map[string]bool
}

// A found is one visit of a member, with what orders visits.
type found struct {
	recorder.Member
	joined    int64 // ms, by the server's clock; 0 is unknown
	shown     appearance
	recording string // which it shows to make, as a recorder
}

func foundIn(p *lkproto.ParticipantInfo) found {
	joined := joinedAt(p)
	return found{recorder.Member{Identity: p.GetIdentity(), Name: p.GetName(), SID: p.GetSid(), Machine: machine(p), Since: time.Now(),
		Recorder: media.Clamp(p.GetAttributes()[stateAttribute], maxState), Joined: joined}, joined, appearanceOf(p), recordingOf(p)}
}

// maxState bounds what a member shows that it does as a recorder.
const maxState = 16

// joinedAt returns when the server let somebody in, in milliseconds since 1970.
func joinedAt(p *lkproto.ParticipantInfo) int64 {
	return cmp.Or(p.GetJoinedAtMs(), p.GetJoinedAt()*1000)
}

// machine reports whether a member is not a person, as the server reports it.
func machine(p *lkproto.ParticipantInfo) bool {
	switch p.GetKind() {
	case lkproto.ParticipantInfo_AGENT, lkproto.ParticipantInfo_EGRESS, lkproto.ParticipantInfo_INGRESS:
		return true
	}
	//lint:ignore SA1019 no other word says that a member of kind standard records
	return p.GetPermission().GetRecorder()
}

// listed handles the list of members at the join.
func (s *session) listed(j *lkproto.JoinResponse) {
	if s.begun.Load() {
		return // the SDK joins anew, which it must not: see oneConnection
	}
	s.visit.Store(&visitor{j.GetParticipant().GetIdentity(), j.GetParticipant().GetSid()})
	s.r.feed.Lock()
	defer s.r.feed.Unlock()
	s.list = listing{self: j.GetParticipant().GetIdentity(), since: joinedAt(j.GetParticipant()), sid: j.GetRoom().GetSid(), found: make(map[string]found), metadata: j.GetRoom().GetMetadata()}
	s.shownBefore(j.GetParticipant())
	for _, p := range j.GetOtherParticipants() {
		if p.GetIdentity() != "" {
			s.contain(p.GetIdentity(), func() { s.list.found[p.GetIdentity()] = foundIn(p) })
		}
	}
}

// described stores the room's SID, which a server may send late, and its
// metadata.
func (s *session) described(room *lkproto.Room) {
	s.r.feed.Lock()
	defer s.r.feed.Unlock()
	s.list.sid, s.list.metadata = cmp.Or(s.list.sid, room.GetSid()), room.GetMetadata()
	if s.alive() {
		s.r.reportMetadata(s, s.list.metadata)
	}
}

// update handles changes of members, and returns those that are valid. A report
// of an earlier visit may come after one of a later visit; it then ends and
// changes nothing.
func (s *session) update(participants []*lkproto.ParticipantInfo) (valid []*lkproto.ParticipantInfo) {
	s.r.feed.Lock()
	defer s.r.feed.Unlock()
	for _, p := range participants {
		s.contain(p.GetIdentity(), func() {
			if s.changed(p) {
				valid = append(valid, p)
			}
		})
	}
	return valid
}

// changed handles one changed member, and reports whether the change is valid.
// The caller holds r.feed.
func (s *session) changed(p *lkproto.ParticipantInfo) bool {
	identity := p.GetIdentity()
	if s.list.found == nil || identity == s.list.self || identity == "" {
		if identity != "" && identity == s.list.self {
			s.shownBefore(p)
		}
		return true
	}
	m, was := foundIn(p), s.list.found[identity]
	again := was.SID != "" && was.SID != m.SID
	if p.GetState() == lkproto.ParticipantInfo_DISCONNECTED {
		if again {
			return false
		}
		delete(s.list.found, identity)
		s.ghostLeft(was, p)
		if s.alive() {
			s.r.memberLeft(s, identity)
		}
		return true
	}
	if again && m.joined != 0 && m.joined < was.joined {
		return false
	}
	if was.SID == m.SID {
		m.Since = was.Since
	}
	s.list.found[identity] = m
	if s.alive() {
		if s.r.memberCame(s, m.Member) {
			s.r.welcome(s, identity)
		}
		s.r.reportAppearance(s, identity, m.shown)
	}
	return true
}

// memberCame notes that a member is here. It reports the member as joined, unless that
// visit was reported before, or continues in a room that the server made anew. It
// returns whether the member is new to the session. The caller holds r.feed.
func (r *Room) memberCame(s *session, m recorder.Member) bool {
	was, here := r.roster.Here(m.Identity)
	if here && s.list.missed[m.Identity] {
		delete(s.list.missed, m.Identity)
		r.roster.GoesOn(m.Identity, m.SID)
		r.roster.Came(m) // the same visit, with its current data
		return true
	}
	if here && was.SID != m.SID {
		r.memberLeft(s, m.Identity) // and another member came at the same moment
	}
	visit, news := r.roster.Came(m)
	if news {
		r.queueMember(recorder.RoomEvent{Type: media.EventJoin, Participant: m.Identity, Name: m.Name, Visit: visit, Machine: m.Machine})
	}
	return news
}

// memberLeft notes that a member left, and reports it. The caller holds r.feed.
func (r *Room) memberLeft(s *session, identity string) {
	was, here := r.roster.Here(identity)
	if !here {
		return
	}
	delete(s.list.missed, identity)
	delete(r.seen, identity)
	r.roster.Went(identity, was.SID)
	r.queueMember(recorder.RoomEvent{Type: media.EventLeave, Participant: identity, Visit: was.Visit})
}

// allLeft reports the leave of all members still listed, if the server closed the
// room of s because it was empty.
func (r *Room) allLeft(s *session) {
	r.feed.Lock()
	defer r.feed.Unlock()
	for _, m := range r.roster.Members() {
		s.contain(m.Identity, func() { r.memberLeft(s, m.Identity) })
	}
}

// queueMember queues that a member joined or left.
func (r *Room) queueMember(e recorder.RoomEvent) {
	// All present members may be reported at once, before anybody accepts events.
	r.events.put(e, max(comingQueue, 2*r.roster.Len()+eventQueue), r.closed)
}

// start makes s the room's first session.
func (r *Room) start(s *session) {
	r.feed.Lock()
	defer r.feed.Unlock()
	r.mu.Lock()
	r.s = s
	s.mu.Lock()
	s.entered = true
	s.mu.Unlock()
	r.mu.Unlock()
	r.takeList(s)
}

// takeList handles the list of a session that has become the room's: each member
// alone, and the room's own data. The caller holds r.feed.
func (r *Room) takeList(s *session) {
	for identity, m := range s.list.found {
		s.contain(identity, func() {
			r.memberCame(s, m.Member)
			r.reportAppearance(s, identity, m.shown)
		})
	}
	s.contain("", func() { r.reportMetadata(s, s.list.metadata) })
}

// resumeList compares the list of the session s with that of old, which was lost:
// who is still here or here again, who came, and who left meanwhile. If the
// server made the room anew, everyone had to come back: their visits continue,
// and absent members have some time to come. The caller holds r.feed.
func (r *Room) resumeList(old, s *session) {
	anew := s.list.sid == "" || s.list.sid != old.list.sid
	s.list.missed = make(map[string]bool)
	for _, m := range r.roster.Members() {
		it, here := s.list.found[m.Identity]
		switch {
		case anew:
			s.list.missed[m.Identity] = true
		case !here || it.SID != m.SID:
			r.memberLeft(s, m.Identity)
		}
	}
	r.takeList(s)
	if len(s.list.missed) > 0 {
		r.visits.Go(func() { r.dropMissed(s) })
	}
}

// dropMissed reports the leave of members who did not come back to a room that was
// made anew.
func (r *Room) dropMissed(s *session) {
	t := time.NewTimer(returnTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ended():
		return
	case <-r.closed:
		return
	}
	r.feed.Lock()
	defer r.feed.Unlock()
	for identity := range s.list.missed {
		if s.alive() {
			r.memberLeft(s, identity)
		}
	}
}
