package player

import (
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Meeting is what a recording is made of. All times are on the recording
// clock.
type Meeting struct {
	Room  string
	Start time.Time // on the wall
	// Length is when it ends, at most 12 h.
	Length  time.Duration
	Segment time.Duration // how long one is; 0 means 5 s
	Members []Member
	// Events are those that do not follow from the members, such as what they
	// wrote. They are told in the segment that their time falls into.
	Events []media.Event
	// Epochs say who can read from when on, the first from 0. A segment ends where
	// one begins.
	Epochs []Epoch
}

// An Epoch is a span with readers of its own.
type Epoch struct {
	From    time.Duration
	Readers []age.Recipient
	Names   string // as the timeline has them
}

// A Member is someone in the meeting.
type Member struct {
	ID, Name string
	From, To time.Duration // To 0 means to the end
	// Card is the name on the card that the recorder takes them for, and By by what:
	// media.VerifiedByOperator or media.VerifiedByProof. Empty for a guest.
	Card, By string
	Speaks   []Span
	Tracks   []Track
}

// A Track is what a member sends. It is sent while the member is there.
type Track struct {
	Source media.Source
	Loop   *Loop
	Mutes  []Span
	Holes  []Hole
	// From and To bound it further, 0 not.
	From, To time.Duration
	// PPM is by how many millionths of a second the sender's clock is slow: what
	// it took at its second 1,000,000 lies PPM seconds later in the recording.
	PPM float64
	// Bytes is how large frames are made at least, and KeyBytes key frames, with
	// bytes that decoders of VP8 pass over. 0 is as they are.
	Bytes, KeyBytes int
}

// A Span is a time on the recording clock.
type Span struct{ From, To time.Duration }

// A Hole is a span of which the recorder got nothing, for one of media's Hole
// reasons.
type Hole struct {
	Span
	Reason string
}
