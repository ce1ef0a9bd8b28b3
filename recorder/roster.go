package recorder

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Member is a member of a room during one visit.
type Member struct {
	// Identity is the identity by the server's word. Name is what others see.
	Identity, Name string
	// SID is the server's ID of their connection. With another SID, somebody else may
	// have the identity now. It is "" if the kind of room has none.
	SID string
	// Visit is the number of the visit. It counts all visits to the room, from 1.
	Visit int
	// Machine says that the member is not a person but another recorder or an agent.
	Machine bool
	// Since is when the visit began, on the recorder's clock.
	Since time.Time
	// Recorder is what the member shows that it does as a recorder: "waiting",
	// "recording", "paused" or "stopped"; "" for who shows nothing of it. It is by the
	// server's word.
	Recorder string
	// Joined is when the server let the member in, by its clock, in milliseconds since
	// 1970; 0 is unknown.
	Joined int64
	// Told says that the member was told of the recording and had time to see it.
	Told bool
	// Standing says how they were identified in this visit: a media.VerifiedBy reason,
	// or StandingClaimed. "" means that they were not.
	Standing string
}

// StandingClaimed is the Standing of a member who proved a card that is not pinned, or
// whose device is signed by somebody whom nobody here has verified.
const StandingClaimed = "claimed"

// A Roster is the list of the members in a room. All that need to know ask this one. The
// room keeps it up to date, in the order of the server's reports and before it returns
// the events: whoever handles an event asks the roster what is true now. Its size is not
// bounded. It is safe for concurrent use.
type Roster struct {
	mu       sync.Mutex
	here     map[string]*Member
	gone     map[string]bool // identities that were here; bounded
	visits   int
	met      int
	people   int // persons who are here
	attended bool
}

// NewRoster returns the roster of an empty room.
func NewRoster() *Roster {
	return &Roster{here: make(map[string]*Member), gone: make(map[string]bool)}
}

// A Lister is a Room that keeps a Roster. For other rooms, the recorder keeps one from
// their events.
type Lister interface {
	Room
	Roster() *Roster
}

// Came notes that a member is here, and returns the number of the visit. news says that
// the visit is new. It ends an earlier visit under the same identity.
func (r *Roster) Came(m Member) (visit int, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.here[m.Identity]
	if was != nil && was.SID == m.SID {
		r.counts(*was, -1)
		was.Name, was.Machine, was.Recorder = m.Name, m.Machine, m.Recorder
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

// Went notes that a visit is over. It reports whether the member was here. The SID ""
// stands for any SID.
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

// counts changes the number of persons by n. The caller holds r.mu.
func (r *Roster) counts(m Member, n int) {
	if !m.Machine {
		r.people += n
		r.attended = r.attended || n > 0
	}
}

// GoesOn sets another SID for a member's visit. A server that made the room anew has new
// SIDs for the same visits.
func (r *Roster) GoesOn(identity, sid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.here[identity]; m != nil {
		m.SID = sid
	}
}

// Tell notes whether members were told of the recording and had time to see it.
func (r *Roster) Tell(told bool, identities ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, identity := range identities {
		if m := r.here[identity]; m != nil {
			m.Told = told
		}
	}
}

// Stand sets how a member was identified in a visit. It reports false if that visit is
// over.
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

// Here returns the member who is here under an identity, if there is one.
func (r *Roster) Here(identity string) (m Member, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if it := r.here[identity]; it != nil {
		return *it, true
	}
	return Member{}, false
}

// Members returns all members who are here, in the order of their coming.
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

// Len returns how many members are here.
func (r *Roster) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.here)
}

// People returns how many persons are here, and whether a person ever was.
func (r *Roster) People() (here int, attended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.people, r.attended
}

// Met returns how many members have come so far. A member who comes again counts once,
// unless very many have left since.
func (r *Roster) Met() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.met
}

// follow updates the roster of a room that is no Lister from an event.
func (r *Roster) follow(e RoomEvent) {
	switch e.Type {
	case media.EventJoin:
		r.Came(Member{Identity: e.Participant, Name: e.Name, Machine: e.Machine, Since: e.At})
	case media.EventLeave:
		r.Went(e.Participant, "")
	}
}
