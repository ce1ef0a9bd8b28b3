package rtc

import "fmt"

// A PowerError says what this user may not do in a room.
type PowerError struct {
	What  string // to take part in its call, to write into it
	Event string // the type of event that needs power
	Has   int
	Needs int
}

func (e *PowerError) Error() string {
	return fmt.Sprintf("this user has too little power in the room %s: it has %d, and %s needs %d", e.What, e.Has, e.Event, e.Needs)
}
