package member

import (
	"time"

	"github.com/sealtape/sealtape/keys"
)

// A Standing is how much was proved of another participant.
type Standing string

const (
	// Unknown: nothing was proved. The server gave the identity.
	Unknown Standing = "unknown"
	// Claimed: the participant proved to hold the key of a card that is not
	// pinned. The name is what the card's holder calls themselves.
	Claimed Standing = "claimed"
	// Verified: the participant proved to hold the key of a card that is pinned
	// and counts.
	Verified Standing = "verified"
)

// A Peer is another participant as this member sees it. It is a value.
type Peer struct {
	Identity string
	Standing Standing
	// Card is the card in its hello. Zero without a hello.
	Card keys.Card
	// CardHash is the SHA-256 of the card as it came, and Nonce that of its session.
	CardHash, Nonce [32]byte
	// Recorder: it announced the state of a recorder, and State is the last
	// complete one. Only a Verified peer's state is that of a trusted recorder.
	Recorder bool
	State    State
	// Digest is that of State, as the protocol has it.
	Digest [32]byte
	// Code is the meeting code of State.
	Code string
	// Answered is when it said whether it may be recorded. Zero means that it has
	// not, or is asked again. Yes is its answer. A no that another card said
	// under its Identity stands here too. Only a recorder learns it.
	Answered time.Time
	Yes      bool
	// Said is the signed message with the answer. Nil means that this card did not
	// answer by a message, or that another answer counts.
	Said []byte
	// Seen: it confirmed a state that this recorder announced. Only a recorder
	// learns it.
	Seen bool
}

// A Trouble is something that does not happen in an honest room.
type Trouble string

const (
	Malformed     Trouble = "malformed"      // no message of the protocol
	BadSignature  Trouble = "signature"      // not signed by the key on the card
	OtherRoom     Trouble = "other-room"     // a message for another room
	OtherKey      Trouble = "other-key"      // sealed with, or about, another key than the room's
	Plaintext     Trouble = "plaintext"      // in the clear, in a room with keys
	OtherIdentity Trouble = "other-identity" // sent, or meant, under another identity
	ClockSkew     Trouble = "clock"          // more than ten minutes from this clock
	BadCard       Trouble = "card"           // a card that is not valid, or no longer counts
	OtherCard     Trouble = "other-card"     // another card than before, or than the proof is about
	Impostor      Trouble = "impostor"       // a pinned name with another key; or a member's card that announces a recording
	Stale         Trouble = "stale"          // an answer to a question that was not asked, or an old state
	Swapped       Trouble = "swapped"        // somebody shows them another card as this member's
	Silent        Trouble = "silent"         // an expected message did not come: messages are held back
	Hidden        Trouble = "hidden"         // a message from somebody who is not in the room's list
	Flood         Trouble = "flood"          // too many messages
	OtherVersion  Trouble = "version"        // an unknown version of the protocol
)

// An Event is a report of a Session. Exactly one of Peer and Trouble is set.
type Event struct {
	// Identity is that of the participant concerned. "" means that it has none.
	Identity string
	// Peer is its new state after a change.
	Peer *Peer
	// Trouble is what is wrong. Detail says it in words, without secrets.
	Trouble Trouble
	Detail  string
}

// A peer is what a Session stores of another participant.
type peer struct {
	Peer
	since    time.Time      // when it joined, or was first heard
	here     bool           // it is in the list of participants
	hidden   bool           // reported that it speaks without being in the list
	hello    *message       // nil before one came
	began    time.Time      // when hello's session was first heard of
	over     map[visit]bool // its earlier sessions
	proved   bool           // for hello.nonce
	helloed  int            // how often our hello was sent to it
	hailed   time.Time      // when our hello was last sent to it in answer to its own
	nextTry  time.Time
	judged   time.Time // when the card was last checked
	silent   bool      // reported that it is silent
	versions bool      // reported that it speaks another version
	clear    bool      // reported that it speaks in the clear
	closed   time.Time // since when none of its packets opened; zero: the last one opened
	shut     bool      // reported that none open
	budget   budget

	// For a recorder:
	sequence int
	whole    int // the sequence of State
	parts    map[int]*message
	heard    time.Time // when it last announced its state
	// For a member, as a recorder sees it:
	confirmed int       // the latest state that it confirmed
	answered  time.Time // when it last confirmed one
	owes      time.Time // since when it owes a confirmation; zero: it owes none
	number    int       // of its last answer
	voided    bool      // it said yes, and is asked again
}

// A visit is a session of a participant.
type visit struct {
	nonce nonce
	card  hash
}

// visit returns the session of the last hello.
func (p *peer) visit() visit { return visit{p.hello.nonce, p.CardHash} }

// A budget limits how many messages are accepted: burst at once, rate a second.
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
