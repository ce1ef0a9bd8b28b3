package matrix

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/id"
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

// A CallConfig says which call it is, and who is told of it.
type CallConfig struct {
	Room    id.RoomID
	Servers []string // that may know the room, if this user is not in it yet
	// Data is what others may read of the recorder in its membership, under
	// dev.sealtape.recorder; nil for nothing.
	Data map[string]any
	// Pinned returns the master key that a pinned card, or the operator, binds to a
	// user, "" for none. It is called often, and by several goroutines. nil binds
	// nobody.
	Pinned func(user id.UserID) id.Ed25519
	// OnEvent is told what happens, by one goroutine at a time, in order. It must not
	// wait long: as long as it does, nothing else is heard. It may call the Call's
	// methods but Run.
	OnEvent func(CallEvent)
	// Plain lets a room pass that is not encrypted.
	Plain bool
}

// A Call is the call of a room, as this device follows it, and takes part once it
// entered. Its methods may be called concurrently.
type Call struct {
	a *Account
	c CallConfig
}

// A Token lets this device into a LiveKit room.
type Token struct {
	URL      string // of the LiveKit server, ws: or wss:
	JWT      string
	Identity string // that this device will have there
}

// ResolveRoom returns the ID of a room, and servers that know it, for an alias
// (#name:server) or an ID (!id:server, or !id). For an unknown alias the error is
// ErrNoRoom.
func (a *Account) ResolveRoom(ctx context.Context, aliasOrID string) (room id.RoomID, servers []string, err error) {
	return "", nil, errors.ErrUnsupported
}

// OpenCall joins a room, if this user is not in it, and returns its call. Of the
// errors, ErrNotInvited, ErrNotEncrypted, a *PowerError and ErrUnsignedDevice are
// for the operator to mend.
func (a *Account) OpenCall(ctx context.Context, c CallConfig) (*Call, error) {
	return nil, errors.ErrUnsupported
}

// Run follows the call until the context ends, whose error it returns, or this user
// is removed from the room (ErrRemoved), or the account's Sync ends. It runs Sync:
// nothing else of the account may.
func (c *Call) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Members returns who else is in the call, the oldest first: those whose events
// are valid, have not run out, and whose users are in the room.
func (c *Call) Members() []Caller { return nil }

// Enter makes this device a member, in the format that most members have. Run must
// be running: it keeps the membership. If nobody else is there the error is
// ErrNobody, and ErrNoTransport if nobody names a LiveKit service. Entered already, it
// does nothing.
func (c *Call) Enter(ctx context.Context) error { return errors.ErrUnsupported }

// Leave ends the membership, if there is one. Run may have ended.
func (c *Call) Leave(ctx context.Context) error { return errors.ErrUnsupported }

// Own returns this device's own membership, and its LiveKit identity; false if it
// has not entered.
func (c *Call) Own() (m Member, identity string, entered bool) { return Member{}, "", false }

// Token gets a token for the LiveKit room of the call at a token service, which a
// member named. This device must have entered (ErrNotEntered): its identity there is
// that of its membership.
func (c *Call) Token(ctx context.Context, service string) (Token, error) {
	return Token{}, errors.ErrUnsupported
}

// Key returns this device's own media key, which members get when it has entered.
func (c *Call) Key() (index int, key []byte) { return 0, nil }

// Notice writes into the room, encrypted, and returns the event's ID. If this user
// may not write, the error is a *PowerError.
func (c *Call) Notice(ctx context.Context, text string) (event string, err error) {
	return "", errors.ErrUnsupported
}

// MayNotice returns the *PowerError that Notice would return, or nil.
func (c *Call) MayNotice() error { return nil }

// SetName changes what this user is called in this room alone; "" restores what it
// is called elsewhere.
func (c *Call) SetName(ctx context.Context, name string) error { return errors.ErrUnsupported }

// Watched reports whether the homeserver ends the membership when this process
// dies.
func (c *Call) Watched() bool { return false }
