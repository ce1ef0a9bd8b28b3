package bot

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Milestone is something that whoever runs the recorder may tell others of: it names
// nobody but the room.
type Milestone struct {
	Kind      MilestoneKind
	Recording string // its ID
	Room      string // its name; "" where that is not known any more
	// State is StateOpen while it goes on, then how it ended.
	State archive.State
	// Started is when it began, and Duration how long it is so far.
	Started  time.Time
	Duration time.Duration
	// Participants and Tracks are how many there are now, or were in all once it ended.
	Participants, Tracks int
	// Holes is how many holes were told, and Hole the one that is told now.
	Holes int
	Hole  media.Event
	// Incomplete and Reason are those of the recorder.Report.
	Incomplete bool
	Reason     string
}

// A MilestoneKind says what happened.
type MilestoneKind string

const (
	MilestoneStarted MilestoneKind = "started" // what the room sends is kept from now on
	MilestoneHole    MilestoneKind = "hole"    // media is missing for a second or longer, which nobody wanted
	MilestoneEnded   MilestoneKind = "ended"   // nothing more is recorded
	MilestoneStored  MilestoneKind = "stored"  // all stores have all of it
)

// minHole is how long a hole is that is told.
const minHole = time.Second

// milestones tells of them, if anybody wants to know.
type milestones struct {
	tell   func(Milestone)        // nil: nobody
	status func() recorder.Status // of the recorder
	id     string
	room   string

	mu      sync.Mutex
	started time.Time
	holes   int
	over    recorder.Report
}

func (m *milestones) say(k MilestoneKind, set func(*Milestone)) {
	m.mu.Lock()
	told := Milestone{Kind: k, Recording: m.id, Room: m.room, State: archive.StateOpen, Started: m.started, Holes: m.holes}
	m.mu.Unlock()
	if s := m.status(); k != MilestoneEnded && k != MilestoneStored {
		told.Participants, told.Tracks = s.Participants, s.Tracks
	}
	set(&told)
	m.tell(told)
}

// begun is called when the recording starts.
func (m *milestones) begun(at time.Time) {
	if m.tell == nil {
		return
	}
	m.mu.Lock()
	m.started = at
	m.mu.Unlock()
	m.say(MilestoneStarted, func(*Milestone) {})
}

// declared is called for each hole.
func (m *milestones) declared(hole media.Event) {
	if m.tell == nil || hole.To-hole.From < minHole || media.Wanted(hole.Reason) {
		return
	}
	m.mu.Lock()
	m.holes++
	m.mu.Unlock()
	m.say(MilestoneHole, func(t *Milestone) {
		t.Hole, t.Duration = hole, hole.To
	})
}

// ended is called when the recording is over and something of it was kept.
func (m *milestones) ended(r recorder.Report) {
	if m.tell == nil {
		return
	}
	m.mu.Lock()
	m.over = r
	m.mu.Unlock()
	m.say(MilestoneEnded, func(t *Milestone) { t.of(r) })
}

// stored is called when all stores have it.
func (m *milestones) stored() {
	if m.tell == nil {
		return
	}
	m.mu.Lock()
	r := m.over
	m.mu.Unlock()
	m.say(MilestoneStored, func(t *Milestone) { t.of(r) })
}

func (t *Milestone) of(r recorder.Report) {
	t.State, t.Duration, t.Participants, t.Tracks = archive.StateClosed, r.Duration, r.Participants, r.Tracks
	t.Incomplete, t.Reason = r.Incomplete, r.Reason
}
