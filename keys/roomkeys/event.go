package roomkeys

import "github.com/sealtape/sealtape/keys/member"

// A Kind is what an Event says.
type Kind string

const (
	// Install: put Key at Index of the ring of Identity. What is there is
	// overwritten. For others this happens before they use it.
	Install Kind = "install"
	// Use: encrypt what this member sends under Index of its own ring from now on.
	Use Kind = "use"
	// Retire: overwrite or remove what is at Index of the ring of Identity.
	Retire Kind = "retire"
	// Given: Identity handed over its key. Note is the signed message, which names
	// the recording and the recorder's state that it agrees to, if this is a
	// recorder.
	Given Kind = "given"
	// Withheld: Identity gives this member no key, and Why. Note is the signed
	// message.
	Withheld Kind = "withheld"
	// Refused: a message of Identity was refused, or is missing. Trouble is which,
	// Detail says it in words, without secrets.
	Refused Kind = "refused"
)

// These are found by this part of the protocol only.
const (
	// TwoKeys: a member shows this member another key than it says it uses.
	TwoKeys member.Trouble = "two-keys"
	// Split: a member sees others in the room than this member does.
	Split member.Trouble = "split"
	// BadBox: a sealed key does not open, though its message is signed.
	BadBox member.Trouble = "box"
)

// An Event is what a Config's Notify is told.
type Event struct {
	Kind     Kind
	Identity string // "" for a message that nobody in the room sent
	Index    int    // 0 to 255: Install, Use, Retire
	// Key has KeySize bytes: Install. It is overwritten when Notify returns.
	Key     []byte
	Why     Why            // Withheld
	Note    []byte         // Given, Withheld
	Trouble member.Trouble // Refused
	Detail  string         // Refused
}
