package livekit

import (
	"cmp"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// returnTime is how long members of a room that its server made anew may take
// to come back before they count as gone: the server lost them as it lost us.
// Until then they count as present for those who are to read what is recorded,
// too; who is here is the server's word at any time.
const returnTime = 15 * time.Second

// A listing is who is in the room of a session, as its server tells: the whole
// list as it is joined, and every change from then on, in order. A session that
// is the room's feeds the roster with it. Room.feed is held.
type listing struct {
	self  string // the recorder's own identity
	sid   string // of the room; "" while the server has not said
	found map[string]found
	// metadata are the room's.
	metadata string
	// missed are who was here before the recorder lost the room, and a server that
	// made it anew has not seen yet.
	missed map[string]bool
}

// A found is a visit of a member's, with what orders visits.
type found struct {
	recorder.Member
	joined int64 // ms, by the server's clock; 0 is unknown
	look   look
}

func foundIn(p *lkproto.ParticipantInfo) found {
	return found{recorder.Member{Identity: p.GetIdentity(), Name: p.GetName(), SID: p.GetSid(), Machine: machine(p), Since: time.Now()},
		cmp.Or(p.GetJoinedAtMs(), p.GetJoinedAt()*1000), lookOf(p)}
}

// machine reports whether a member is not a person, as the server says.
func machine(p *lkproto.ParticipantInfo) bool {
	switch p.GetKind() {
	case lkproto.ParticipantInfo_AGENT, lkproto.ParticipantInfo_EGRESS, lkproto.ParticipantInfo_INGRESS:
		return true
	}
	//lint:ignore SA1019 no other word says that a member of kind standard records
	return p.GetPermission().GetRecorder()
}

// listed takes the list of those who are in the room as it is joined.
func (s *session) listed(j *lkproto.JoinResponse) {
	if s.begun.Load() {
		return // the SDK joins anew, which is not its to do: see oneConnection
	}
	s.r.feed.Lock()
	defer s.r.feed.Unlock()
	s.list = listing{self: j.GetParticipant().GetIdentity(), sid: j.GetRoom().GetSid(), found: make(map[string]found), metadata: j.GetRoom().GetMetadata()}
	for _, p := range j.GetOtherParticipants() {
		if p.GetIdentity() != "" {
			s.contain(p.GetIdentity(), func() { s.list.found[p.GetIdentity()] = foundIn(p) })
		}
	}
}

// described takes what the room is now: its SID, which a server may send late, and
// its metadata.
func (s *session) described(room *lkproto.Room) {
	s.r.feed.Lock()
	defer s.r.feed.Unlock()
	s.list.sid, s.list.metadata = cmp.Or(s.list.sid, room.GetSid()), room.GetMetadata()
	if s.alive() {
		s.r.describes(s, s.list.metadata)
	}
}

// update takes who came, changed and left since, and returns what is true of
// that: word of an earlier visit may come after that of a later one, and ends or
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

// changed takes one who came, changed or left, and reports whether that is true.
// r.feed is held.
func (s *session) changed(p *lkproto.ParticipantInfo) bool {
	identity := p.GetIdentity()
	if s.list.found == nil || identity == s.list.self || identity == "" {
		return true
	}
	m, was := foundIn(p), s.list.found[identity]
	again := was.SID != "" && was.SID != m.SID
	if p.GetState() == lkproto.ParticipantInfo_DISCONNECTED {
		if again {
			return false
		}
		delete(s.list.found, identity)
		if s.alive() {
			s.r.went(s, identity)
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
		if s.r.came(s, m.Member) {
			s.r.welcome(s, identity)
		}
		s.r.looks(s, identity, m.look)
	}
	return true
}

// came notes that a member is here, and tells of it, unless that visit was told
// of, or goes on in a room that the server made anew. It reports whether the
// session did not know of it. r.feed is held.
func (r *Room) came(s *session, m recorder.Member) bool {
	was, here := r.roster.Here(m.Identity)
	if here && s.list.missed[m.Identity] {
		delete(s.list.missed, m.Identity)
		r.roster.GoesOn(m.Identity, m.SID)
		r.roster.Came(m) // the same, as it is now
		return true
	}
	if here && was.SID != m.SID {
		r.went(s, m.Identity) // and somebody came in the same moment
	}
	visit, news := r.roster.Came(m)
	if news {
		r.coming(recorder.RoomEvent{Type: media.EventJoin, Participant: m.Identity, Name: m.Name, Visit: visit, Machine: m.Machine})
	}
	return news
}

// went notes that a member left, and tells of it. r.feed is held.
func (r *Room) went(s *session, identity string) {
	was, here := r.roster.Here(identity)
	if !here {
		return
	}
	delete(s.list.missed, identity)
	delete(r.seen, identity)
	r.roster.Went(identity, was.SID)
	r.coming(recorder.RoomEvent{Type: media.EventLeave, Participant: identity, Visit: was.Visit})
}

// emptied tells of the leave of all who are still listed where the server closed the
// room of s because nobody was in it any more.
func (r *Room) emptied(s *session) {
	r.feed.Lock()
	defer r.feed.Unlock()
	for _, m := range r.roster.Members() {
		s.contain(m.Identity, func() { r.went(s, m.Identity) })
	}
}

// coming queues that somebody came or went.
func (r *Room) coming(e recorder.RoomEvent) {
	// As many as there are may be listed at once, before anybody accepts.
	r.events.put(e, max(comingQueue, 2*r.roster.Len()+eventQueue), r.closed)
}

// begin makes s the room's first session.
func (r *Room) begin(s *session) {
	r.feed.Lock()
	defer r.feed.Unlock()
	r.mu.Lock()
	r.s = s
	s.mu.Lock()
	s.entered = true
	s.mu.Unlock()
	r.mu.Unlock()
	r.find(s)
}

// find takes the list of a session that is the room's now: each of its members
// alone, and what the room says of itself. r.feed is held.
func (r *Room) find(s *session) {
	for identity, m := range s.list.found {
		s.contain(identity, func() {
			r.came(s, m.Member)
			r.looks(s, identity, m.look)
		})
	}
	s.contain("", func() { r.describes(s, s.list.metadata) })
}

// resumeList takes the list of the session s, in which the recorder is after it
// lost that in old: who is here still or again, who came and who left meanwhile.
// Where the server made the room anew, everyone had to come back: their visits go
// on, and who is not here has some time to come. r.feed is held.
func (r *Room) resumeList(old, s *session) {
	anew := s.list.sid == "" || s.list.sid != old.list.sid
	s.list.missed = make(map[string]bool)
	for _, m := range r.roster.Members() {
		it, here := s.list.found[m.Identity]
		switch {
		case anew:
			s.list.missed[m.Identity] = true
		case !here || it.SID != m.SID:
			r.went(s, m.Identity)
		}
	}
	r.find(s)
	if len(s.list.missed) > 0 {
		r.visits.Go(func() { r.giveUp(s) })
	}
}

// giveUp tells who did not come back to a room that was made anew.
func (r *Room) giveUp(s *session) {
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
			r.went(s, identity)
		}
	}
}
