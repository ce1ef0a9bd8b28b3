package fleet

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// assignWithin is how long a place is kept for a job that was accepted: the server assigns
// it at once, or has taken another worker meanwhile.
const assignWithin = 15 * time.Second

// Identity returns the identity that the recorders of a fleet have in a room. A server lets
// one member have it.
func Identity(room string) string {
	sum := sha256.Sum256([]byte("sealtape recorder of " + room))
	return "sealtape-" + hex.EncodeToString(sum[:8])
}

// An Offer is a job that somebody wants done.
type Offer struct {
	ID, Room, SID string
	Metadata      string
}

// A Place is a room that is recorded here, or is about to be.
type Place struct {
	// Job is the ID of the job that it was begun for.
	Job, Room, SID string
	Policy         *Policy
	// Identity is that of the recorder in the room.
	Identity string
	// Label stands for the room where its name may not, in logs and metrics. It is the same
	// while the process runs, and says nothing of the name.
	Label string

	since    time.Time // when it was accepted
	assigned bool
}

// A Verdict on an offer.
type Verdict struct {
	// Accept: there is a place. Recorded: the room is recorded here already.
	Accept, Recorded bool
	// Why is the reason for a no, without what the dispatch said.
	Why string
	// Label is that of the room.
	Label string
	// Identity and Policy are those of the place; set with Accept.
	Identity string
	Policy   *Policy
}

// A Table has the rooms that a machine records. Its methods are safe for concurrent use,
// and neither wait nor do I/O.
type Table struct {
	secret [32]byte

	mu       sync.Mutex
	max      int
	fixed    bool
	policies *Policies
	full     string // why nothing else is taken, "" if something is
	draining bool
	rooms    map[string]*Place
}

// NewTable returns an empty table of at most max rooms. fixed gives each room's recorder the
// Identity of the room; else it has one of its own, which throws nobody out.
func NewTable(max int, fixed bool) *Table {
	t := &Table{max: max, fixed: fixed, rooms: make(map[string]*Place)}
	rand.Read(t.secret[:])
	return t
}

// SetPolicies sets the policies for offers from now on.
func (t *Table) SetPolicies(p *Policies) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.policies = p
}

// SetFull says why nothing is taken for now; "" means that something is.
func (t *Table) SetFull(why string) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = (t.full == "") != (why == "")
	t.full = why
	return changed
}

// Drain has nothing taken any more.
func (t *Table) Drain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draining = true
}

// Draining reports whether nothing is taken any more.
func (t *Table) Draining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.draining
}

// Label returns what stands for a room.
func (t *Table) Label(room string) string {
	m := hmac.New(sha256.New, t.secret[:])
	m.Write([]byte(room))
	return strings.ToLower(base32.StdEncoding.EncodeToString(m.Sum(nil)[:5]))
}

// Offer decides on an offer, and keeps a place if it accepts.
func (t *Table) Offer(o Offer, now time.Time) Verdict {
	v := Verdict{Label: t.Label(o.Room)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	if p := t.rooms[o.Room]; p != nil {
		if p.Job == o.ID && !p.assigned {
			v.Accept, v.Identity, v.Policy = true, p.Identity, p.Policy // asked again
			return v
		}
		v.Recorded, v.Why = true, "the room is recorded here already"
		return v
	}
	policy, err := t.choose(o)
	switch {
	case err != nil:
		v.Why = err.Error()
	case t.draining:
		v.Why = "this worker is ending"
	case len(t.rooms) >= t.max:
		v.Why = fmt.Sprintf("%d rooms are recorded here, as many as may be", len(t.rooms))
	case t.full != "":
		v.Why = t.full
	default:
		v.Accept, v.Identity, v.Policy = true, t.identity(o.Room), policy
		t.rooms[o.Room] = &Place{Job: o.ID, Room: o.Room, SID: o.SID, Policy: policy, Identity: v.Identity, Label: v.Label, since: now}
	}
	return v
}

// choose returns the policy of an offer. The caller holds t.mu.
func (t *Table) choose(o Offer) (*Policy, error) {
	d, err := ParseDispatch(o.Metadata)
	if err != nil {
		return nil, err
	}
	p := t.policies.Find(d.Policy)
	switch {
	case p == nil:
		return nil, fmt.Errorf("there is no policy of the name that the dispatch has")
	case !p.Serves(o.Room):
		return nil, fmt.Errorf("policy %s is not for this room", p.Name)
	}
	return p, nil
}

// identity returns that of a recorder of room.
func (t *Table) identity(room string) string {
	if t.fixed {
		return Identity(room)
	}
	b := make([]byte, 6)
	rand.Read(b)
	return "sealtape-" + hex.EncodeToString(b)
}

// forget gives up places for which no job came. The caller holds t.mu.
func (t *Table) forget(now time.Time) {
	maps.DeleteFunc(t.rooms, func(_ string, p *Place) bool { return !p.assigned && now.Sub(p.since) > assignWithin })
}

// Assign returns the place that was kept for a job. ok is false if there is none: the job
// was not accepted, or is assigned twice.
func (t *Table) Assign(job, room string) (p Place, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.rooms[room]
	if kept == nil || kept.Job != job || kept.assigned {
		return Place{}, false
	}
	kept.assigned = true
	return *kept, true
}

// Leave gives up the place of a room, when its recorder has ended.
func (t *Table) Leave(room string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.rooms, room)
}

// Places returns those whose job was assigned.
func (t *Table) Places() []Place {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Place
	for _, room := range slices.Sorted(maps.Keys(t.rooms)) {
		if p := t.rooms[room]; p.assigned {
			all = append(all, *p)
		}
	}
	return all
}

// An Occupancy says how full a table is.
type Occupancy struct {
	Rooms, Max int
	// Why says why nothing else is taken; "" means that something is.
	Why string
}

// Share is the part of the places that is taken, from 0 to 1; 1 where nothing is taken any
// more.
func (o Occupancy) Share() float64 {
	if o.Why != "" || o.Rooms >= o.Max {
		return 1
	}
	return float64(o.Rooms) / float64(o.Max)
}

// Occupancy returns how full the table is.
func (t *Table) Occupancy(now time.Time) Occupancy {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	o := Occupancy{Rooms: len(t.rooms), Max: t.max, Why: t.full}
	switch {
	case t.draining:
		o.Why = "this worker is ending"
	case o.Rooms >= o.Max:
		o.Why = "as many rooms are recorded as may be"
	}
	return o
}
