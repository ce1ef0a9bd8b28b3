package matrix

import (
	"errors"
	"fmt"
)

var (
	// ErrNoRoom says that there is no room of that name.
	ErrNoRoom = errors.New("there is no such room")
	// ErrNotInvited says that this user is not in the room, and may not join it.
	ErrNotInvited = errors.New("this user is not invited to the room")
	// ErrNotEncrypted says that the room is not end-to-end encrypted, and so neither
	// are its calls.
	ErrNotEncrypted = errors.New("the room is not encrypted")
	// ErrNoPower is in every PowerError.
	ErrNoPower = errors.New("this user has too little power in the room")
	// ErrUnsignedDevice says that this device is not signed by its user's
	// cross-signing keys: others would not send it keys.
	ErrUnsignedDevice = errors.New("this device is not cross-signed")
	// ErrNobody says that nobody else is in the call, which a recorder never begins.
	ErrNobody = errors.New("nobody is in the call")
	// ErrNoTransport says that no member of the call names a LiveKit service.
	ErrNoTransport = errors.New("no member of the call sends by LiveKit")
	// ErrNotEntered says that this device is no member of the call.
	ErrNotEntered = errors.New("this device is not in the call")
	// ErrRemoved says that this user left the room, or was made to.
	ErrRemoved = errors.New("this user is not in the room any more")
)

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
