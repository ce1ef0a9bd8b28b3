package matrix

import "errors"

var (
	// ErrNoRoom says that there is no room of that name.
	ErrNoRoom = errors.New("there is no such room")
	// ErrNotInvited says that this user is not in the room, and may not join it.
	ErrNotInvited = errors.New("this user is not invited to the room")
	// ErrNotEncrypted says that the room is not end-to-end encrypted, and so neither
	// are its calls.
	ErrNotEncrypted = errors.New("the room is not encrypted")
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
