package webhook

import (
	"crypto/rand"
	"encoding/json"
	"time"
)

// What an Event tells.
const (
	Started = "recording.started" // what the room sends is kept from now on
	Hole    = "recording.hole"    // media is missing for MinHole or longer, which nobody wanted
	Ended   = "recording.ended"   // nothing more is recorded
	Stored  = "recording.stored"  // all stores have all of it
)

// MinHole is how long a hole is that is told.
const MinHole = time.Second

// An Event is something that happened to a recording. Its JSON is the body of a request. It
// has no names.
type Event struct {
	// ID is the event's own, the same at each try.
	ID   string    `json:"id"`
	Type string    `json:"type"`
	Time time.Time `json:"timestamp"`
	Data Data      `json:"data"`
}

// Data is what an Event tells of its recording. Times on the recording's clock are in
// seconds.
type Data struct {
	Recording string `json:"recording"` // its ID
	// Room is a label of the room that is not its name: the same for the same room.
	Room string `json:"room"`
	// State is "recording" while it goes on, then that of its head: open, closed or cut.
	State string `json:"state"`
	// Started is when it began. Duration is how long it is so far.
	Started  *time.Time `json:"started,omitempty"`
	Duration float64    `json:"duration"`
	// Participants, Tracks and Holes are how many there are, or were in all once it ended.
	// Holes of less than MinHole do not count.
	Participants int `json:"participants"`
	Tracks       int `json:"tracks"`
	Holes        int `json:"holes"`
	// Incomplete: a track has a hole of a second or more, or the recording was cut.
	Incomplete bool `json:"incomplete"`
	// Reason is why it ended.
	Reason string `json:"reason,omitempty"`
	// Hole is what is missing.
	Hole *Span `json:"hole,omitempty"`
	// Dropped is how many events of this recording were not kept, since too many waited.
	Dropped int `json:"dropped,omitempty"`
}

// A Span is a hole: from when to when, and why.
type Span struct {
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Reason string  `json:"reason"`
}

// NewEvent returns an event of now.
func NewEvent(kind string, d Data) Event {
	return Event{ID: "msg_" + rand.Text(), Type: kind, Time: time.Now().UTC(), Data: d}
}

// maxEvent bounds the body of a request, and a file of the queue.
const maxEvent = 8 << 10

func (e Event) body() ([]byte, error) { return json.Marshal(e) }
