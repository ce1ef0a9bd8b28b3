package rtc

import (
	"errors"
	"fmt"
)

// ErrNoPower is in every PowerError.
var ErrNoPower = errors.New("this user has too little power in the room")

// A PowerError says what this user may not do in a room. It is an ErrNoPower.
type PowerError struct {
	What  string // to take part in its call, to write into it
	Event string // the type of event that needs power
	Has   int
	Needs int
}

func (e *PowerError) Error() string {
	return fmt.Sprintf("%v %s: it has %d, and %s needs %d", ErrNoPower, e.What, e.Has, e.Event, e.Needs)
}

// Unwrap returns ErrNoPower.
func (e *PowerError) Unwrap() error { return ErrNoPower }
