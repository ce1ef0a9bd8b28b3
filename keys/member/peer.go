package member

import (
	"time"

	"github.com/sealtape/sealtape/keys"
)

// A Standing says how much is known of another participant.
type Standing string

const (
	// Unknown: nothing was proved; the identity is what the server says.
	Unknown Standing = "unknown"
	// Claimed: it proved to hold the key of a card that is not pinned. Its name is
	// what the card's holder calls themselves.
	Claimed Standing = "claimed"
	// Verified: it proved to hold the key of a card that is pinned and counts.
	Verified Standing = "verified"
)

// A Peer is another participant as this member sees it. It is a value.
type Peer struct {
	Identity string
	Standing Standing
	// Card is that of its hello, zero without one.
	Card keys.Card
	// Recorder: it told the state of a recorder, and State is the last whole one.
	// Only that of a Verified peer is a recorder's word.
	Recorder bool
	State    State
	// Code is the meeting code of State.
	Code string
	// Answered is when it said whether it may be recorded, zero if it has not, or
	// is asked again; Yes is what it said. A no that another card said under its
	// Identity stands here, too. Only a recorder learns it.
	Answered time.Time
	Yes      bool
	// Seen: it confirmed a state that this recorder told. Only a recorder learns it.
	Seen bool
}

// A Trouble is something that an honest room does not do.
type Trouble string

const (
	Malformed     Trouble = "malformed"      // no message of the protocol
	BadSignature  Trouble = "signature"      // not signed by the card's key
	OtherRoom     Trouble = "other-room"     // a message for another room
	OtherKey      Trouble = "other-key"      // under, or of, another key than the room's
	Plaintext     Trouble = "plaintext"      // in the clear, in a room with keys
	OtherIdentity Trouble = "other-identity" // sent, or meant, under another identity
	ClockSkew     Trouble = "clock"          // more than ten minutes from this clock
	BadCard       Trouble = "card"           // a card that is not valid, or does not count
	OtherCard     Trouble = "other-card"     // another card than before, or than the proof is about
	Impostor      Trouble = "impostor"       // a name that is pinned, with another key; or a member's card that says it records
	Stale         Trouble = "stale"          // an answer to a question that was not asked, or an old state
	Swapped       Trouble = "swapped"        // someone shows them another card as this member's
	Silent        Trouble = "silent"         // what should have come did not: messages are held back
	Hidden        Trouble = "hidden"         // a message from who is not in the room's list
	Flood         Trouble = "flood"          // too many messages
	OtherVersion  Trouble = "version"        // a version of the protocol that is not known
)

// An Event is what a Session has to tell. Exactly one of Peer and Trouble is set.
type Event struct {
	// Identity is the participant's concerned, "" for one that has none.
	Identity string
	// Peer is how it stands now, after a change.
	Peer *Peer
	// Trouble is what is wrong, Detail the same in words, without secrets.
	Trouble Trouble
	Detail  string
}

// A peer is what a Session keeps of another participant.
type peer struct {
	Peer
	since    time.Time // when it joined, or was heard first
	here     bool      // it is in the list of participants
	hidden   bool      // that it is not, and speaks, was reported
	hello    *message  // nil before one came
	cardHash hash
	began    time.Time      // when hello's session was heard of
	over     map[visit]bool // its sessions before
	proved   bool           // for hello.nonce
	helloed  int            // how often it was told our hello
	greeted  time.Time      // when last
	nextTry  time.Time
	judged   time.Time // when the card was looked at last
	silent   bool      // that it is was reported
	versions bool      // that it speaks another was reported
	clear    bool      // that it speaks in the clear was reported
	closed   time.Time // since when nothing of it opened; zero if something has since
	shut     bool      // that was reported
	budget   budget

	// Of a recorder:
	sequence int
	whole    int // the sequence of State
	parts    map[int]*message
	digest   hash      // of the state of all parts
	heard    time.Time // when it told its state last
	// Of a member, to a recorder:
	confirmed int       // the latest state that it confirmed
	answered  time.Time // when it confirmed one last
	owes      time.Time // since when it owes a confirmation of a later one; zero if it does not
	number    int       // of the last answer that it gave
	voided    bool      // it said yes, and is asked again
}

// A visit is a session of a participant.
type visit struct {
	nonce nonce
	card  hash
}

// visit returns that of the last hello.
func (p *peer) visit() visit { return visit{p.hello.nonce, p.cardHash} }

// A budget bounds how many messages are taken: burst at once, rate a second.
type budget struct {
	left   float64
	at     time.Time
	warned bool
}

const (
	burst = 40
	rate  = 4
)

func (b *budget) take(now time.Time) bool {
	if b.at.IsZero() {
		b.left = burst
	} else {
		b.left = min(burst, b.left+rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
