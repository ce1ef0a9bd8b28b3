package watch

import (
	"time"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// A Room is what is seen of a room at one moment.
type Room struct {
	// Name and SID are the room's. Made is when the server made it.
	Name, SID string
	Made      time.Time
	// People are those present: neither recorders nor agents.
	People int
	// Recorders are ours, whoever began them; the first to join is first.
	Recorders []Recorder
	// Dispatches of our agent, by whichever of its names, the oldest first. Nil also where nobody asked for them.
	Dispatches []Dispatch
	// Notes are of recordings of the room, the oldest first.
	Notes []Note
	// Off says that somebody ended the recording of this room.
	Off bool
}

// A Recorder is a member who shows that they record, and whom a token makes a recorder or an
// agent: other members can show what they want.
type Recorder struct {
	Identity string
	// State is "waiting", "recording" or "paused"; "" before the member has said.
	State string
	// Recording is its ID, Words those of the recorder's card; "" before they are known. Both
	// are by the member's word.
	Recording, Words string
	// Before is the recording that it was told that it goes on with, "" for none.
	Before string
	Joined time.Time
}

// A Dispatch asks for a recorder.
type Dispatch struct {
	ID string
	// Policy is what it names; "" if it says something else than a policy.
	Policy string
	Made   time.Time
	// Jobs are those that came of it: at most one, for an agent of rooms. None means that
	// nobody took it, or that the server has not said yet.
	Jobs []Job
}

// A Job is what a worker was given.
type Job struct {
	State JobState
	// Identity is that of the member who was to do it.
	Identity string
	// Ended is when the worker said that it was over.
	Ended time.Time
}

// A JobState is how a job stands. That of a worker that died stays Running.
type JobState int

// The states of a job.
const (
	Running JobState = iota
	Done
	Failed
)

// over reports whether the dispatch has jobs, and all of them ended.
func (d *Dispatch) over() bool {
	for _, j := range d.Jobs {
		if j.State == Running {
			return false
		}
	}
	return len(d.Jobs) > 0
}

// Done reports whether what the dispatch asked for was done.
func (d *Dispatch) Done() bool {
	return d.over() && d.Jobs[len(d.Jobs)-1].State == Done
}

// runs reports whether this member does a job of the dispatch.
func (d *Dispatch) runs(identity string) bool {
	for _, j := range d.Jobs {
		if j.State == Running && j.Identity == identity {
			return true
		}
	}
	return false
}

// A Wish says whether a room is to be recorded, and how.
type Wish struct {
	// Policy is nil if it is not.
	Policy *fleet.Policy
	// Err says why it is not clear which policy counts.
	Err error
}

// Wanted returns what is wished for a room: what the newest dispatch names that is not done,
// else the policy that is meant for rooms of this name. A policy that records for so long
// at most is done when a recording of it ended well, until the room is made anew.
func Wanted(r *Room, policies *fleet.Policies) Wish {
	if r.Off || r.People == 0 {
		return Wish{}
	}
	finished := make(map[string]bool)
	for i := len(r.Dispatches) - 1; i >= 0; i-- {
		d := &r.Dispatches[i]
		p := policies.Find(d.Policy)
		switch {
		case p == nil || !p.Serves(r.Name):
		case !d.Done():
			return Wish{Policy: p}
		default:
			finished[p.Name] = true
		}
	}
	p, err := policies.For(r.Name, false)
	if p != nil && finished[p.Name] && p.Setting("duration") != nil {
		return Wish{}
	}
	return Wish{Policy: p, Err: err}
}
