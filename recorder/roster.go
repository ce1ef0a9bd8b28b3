package recorder

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Member is somebody in a room, for the time of one visit.
type Member struct {
	// Identity is who they are by the server's word, Name what others see.
	Identity, Name string
	// SID is the server's name for their connection: under another one it may be
	// somebody else who has the identity now. "" in a room that has none.
	SID string
	// Visit numbers the visits of a room, from 1 on.
	Visit int
	// Machine is set for who is not a person: another recorder, or an agent.
	Machine bool
	// Since is when the visit began, on the recorder's clock.
	Since time.Time
	// Told is set for who was told of the recording and had time to see it.
	Told bool
	// Standing is by what they are taken for somebody in this visit: a
	// media.VerifiedBy reason, StandingClaimed, or "" for nobody.
	Standing string
}

// StandingClaimed is the Standing of who proved a card that is not pinned.
const StandingClaimed = "claimed"

// A Roster is who is in a room: the one list that all ask who have to know. The
// room keeps it, in the order in which its server tells, and ahead of its events:
// whoever takes an event asks the roster what holds now. It holds as many as
// there are, and is safe for concurrent use.
type Roster struct {
	mu       sync.Mutex
	here     map[string]*Member
	gone     map[string]bool // who was here and is not, bounded
	visits   int
	met      int
	people   int // who are here
	attended bool
}

// NewRoster returns the roster of an empty room.
func NewRoster() *Roster {
	return &Roster{here: make(map[string]*Member), gone: make(map[string]bool)}
}

// A Lister is a Room that keeps its own Roster. Of another one the recorder keeps
// one, from the events.
type Lister interface {
	Room
	Roster() *Roster
}

// Came notes a member's visit, and numbers it. It reports whether the visit was
// not known. One of before, under the same identity, is over with that.
func (r *Roster) Came(m Member) (visit int, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.here[m.Identity]
	if was != nil && was.SID == m.SID {
		r.counts(*was, -1)
		was.Name, was.Machine = m.Name, m.Machine
		r.counts(*was, 1)
		return was.Visit, false
	}
	if was != nil {
		r.counts(*was, -1)
	} else if !r.gone[m.Identity] {
		r.met++
	}
	delete(r.gone, m.Identity)
	r.visits++
	m.Visit = r.visits
	r.here[m.Identity] = &m
	r.counts(m, 1)
	return m.Visit, true
}

// Went notes that a visit is over, and reports whether it was not. The SID ""
// stands for whichever there is.
func (r *Roster) Went(identity, sid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.here[identity]
	if m == nil || sid != "" && m.SID != sid {
		return false
	}
	delete(r.here, identity)
	r.counts(*m, -1)
	if len(r.gone) >= maxRemembered {
		clear(r.gone)
	}
	r.gone[identity] = true
	return true
}

// counts keeps the number of people. r.mu is held.
func (r *Roster) counts(m Member, n int) {
	if !m.Machine {
		r.people += n
		r.attended = r.attended || n > 0
	}
}

// GoesOn gives a member's visit another SID: a server that made the room anew
// has new ones for the same visits.
func (r *Roster) GoesOn(identity, sid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.here[identity]; m != nil {
		m.SID = sid
	}
}

// Tell notes that members had notice of the recording, or that they had not.
func (r *Roster) Tell(told bool, identities ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, identity := range identities {
		if m := r.here[identity]; m != nil {
			m.Told = told
		}
	}
}

// Stand notes by what a member is taken for somebody in this visit. Where it is
// over, it reports false: that was of somebody who is not here any more.
func (r *Roster) Stand(identity string, visit int, standing string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.here[identity]
	if m == nil || m.Visit != visit {
		return false
	}
	m.Standing = standing
	return true
}

// Here returns who is here under an identity.
func (r *Roster) Here(identity string) (m Member, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if it := r.here[identity]; it != nil {
		return *it, true
	}
	return Member{}, false
}

// Members returns all who are here, in the order in which they came.
func (r *Roster) Members() []Member {
	r.mu.Lock()
	all := make([]Member, 0, len(r.here))
	for _, m := range r.here {
		all = append(all, *m)
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b Member) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Identity, b.Identity))
	})
	return all
}

// Len is how many are here.
func (r *Roster) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.here)
}

// People is how many of them are persons, and whether one ever came.
func (r *Roster) People() (here int, attended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.people, r.attended
}

// Met is how many came so far. Who comes again counts once, unless very many
// left since.
func (r *Roster) Met() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.met
}

// follow keeps the roster of a room that keeps none, by its events.
func (r *Roster) follow(e RoomEvent) {
	switch e.Type {
	case media.EventJoin:
		r.Came(Member{Identity: e.Participant, Name: e.Name, Machine: e.Machine, Since: e.At})
	case media.EventLeave:
		r.Went(e.Participant, "")
	}
}
