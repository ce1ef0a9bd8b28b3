package matrix

import (
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A Caller is another member of a call: one device of a user, whatever events say
// that it takes part.
type Caller struct {
	rtc.Member
	// Name is what the user is called in the room, with the user ID if somebody else
	// there is called the same. It is the homeserver's word.
	Name string
	// Identities are those that the member may have in a LiveKit room of the call,
	// the likeliest first.
	Identities []string
	// Standing is what is known of the device. Only keys of one that is Signed or
	// better are handed on.
	Standing Standing
	Master   id.Ed25519 // the user's master key, as it is shown now
}

// clone returns a copy that its receiver may change.
func (c *caller) clone() Caller {
	out := c.Caller
	out.Services, out.Identities = slices.Clone(out.Services), slices.Clone(out.Identities)
	return out
}

// A CallEventKind says what a CallEvent tells.
type CallEventKind string

// The kinds of events, and the fields that each has beside At and Caller.
const (
	Came      CallEventKind = "came"      // somebody is in the call
	Left      CallEventKind = "left"      // or their membership ran out, or their user left the room
	Changed   CallEventKind = "changed"   // another Name, other Services, or joined again, by Reason
	Stood     CallEventKind = "standing"  // Caller.Standing is another, by Reason
	Keyed     CallEventKind = "key"       // Index and Key: a media key that passed all checks
	Refused   CallEventKind = "refused"   // a key or a membership is not used, by Reason
	Chat      CallEventKind = "chat"      // Text, ID, To
	Reaction  CallEventKind = "reaction"  // Text, an emoji; ID, To
	Hand      CallEventKind = "hand"      // raised, or lowered if Lowered; ID
	Cut       CallEventKind = "cut"       // events of the room are missing before this; no Caller
	Removed   CallEventKind = "removed"   // this user is not in the room any more, by Reason; no Caller
	Powerless CallEventKind = "powerlost" // this user may not do any more what Reason says; no Caller
	OwnKey    CallEventKind = "ownkey"    // Index and Key: this device's own, from now on; no Caller
)

// A CallEvent is something that happened in a call, or in its room.
type CallEvent struct {
	At   time.Time // when it was heard of, by the clock of this machine
	Kind CallEventKind
	// Caller is who did it, as they are from now on. Who writes need not be in the
	// call: then it has but User, Name, Standing and, if it came encrypted, Device.
	Caller Caller

	Index int    // of the key, 0 to 255
	Key   []byte // 16 to 64 bytes, the receiver's from now on

	Text    string // at most 64 KiB
	Reason  string // for the operator
	ID      string // of the event in the room
	To      string // the ID of the event that this answers or reacts to; of one that is edited, with Edits
	Edits   bool
	Lowered bool
	Sent    time.Time // by the homeserver's clock; zero for what is no event of the room
	// Encrypted says that the device in Caller wrote it, as far as its Standing goes.
	// Else only the homeserver says who did.
	Encrypted bool
}
