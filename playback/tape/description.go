package tape

import (
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
)

// States of a recording that did not open, in place of the one that its head signs.
const (
	StateForeign    archive.State = "foreign-signer" // nobody signed it whom the reader trusts
	StateDamaged    archive.State = "damaged"        // head or log are not what was signed, or there is no head
	StateRolledBack archive.State = "rolled-back"    // the reader has seen more of it, or something else
)

// A Description is what there is to tell of a recording. What is read of it is what
// the room's server said of people: claims. Its slices are the caller's.
type Description struct {
	// What anyone can see who pinned the recorder.

	ID string
	// State is open, closed or cut, as the head signs it; one of those above if it did
	// not open; "" if the store did not answer.
	State       archive.State
	Signers     []Signer
	PostQuantum bool // no epoch is sealed to a classic key
	Objects     int  // that the log names
	Segments    int  // of these
	// Missing are objects that the log names and the store does not have, Bytes the
	// size of all that it has.
	Missing []string
	Bytes   int64
	Epochs  []Epoch
	Opens   Access
	// Withheld are the epochs that a key opens only by the grant of WithheldBy, whose own
	// key was revoked: what that granted does not count, and they are not open.
	Withheld   []int
	WithheldBy Signer

	// What the reader's keys open. All of it is empty where they open nothing.

	// HolesKnown says that Holes are all that were declared in what opens. Without a
	// key they are not known.
	HolesKnown   bool
	Start        time.Time // zero: not known
	Duration     time.Duration
	Room         string        // "" if its beginning is not the reader's to open
	ResealedFrom string        // the head of the recording that it was made of, see Cited
	Follows      string        // the ID of the recording with whose meeting it goes on
	Tracks       []Track       // in order of appearance, last those of which nothing was kept
	People       []Person      // in order of their coming
	Silent       []Silence     // what was published and on which nothing was ever sent
	Events       []media.Event // the timeline, by time
	Holes        []Hole        // all that were declared, by time, those that were wanted too
	Locked       []LockedSpan  // spans that no key of the reader opens
	Unreadable   []Unreadable  // other segments that cannot be had, or not to their end

	// Problems are what else is wrong with it, in sentences.
	Problems []string

	// Err is why it did not open; nil if it did.
	Err error
}

// Over reports whether the recording has ended: it is closed, or was cut.
func (d *Description) Over() bool { return d.State.Final() }

// An Epoch is a span of the recording with one set of readers.
type Epoch struct {
	Number   int
	Hybrid   bool // it has readers with post-quantum keys
	Classic  bool // it has readers without: a quantum computer could open it
	Opens    bool // a key of the reader opens it
	Segments int  // how many it has
	// First and Last are the numbers of the first and the last of them, -1 if there are
	// none.
	First, Last int
}

// A Track is one of the recording's tracks.
type Track struct {
	media.Track // without a Codec: it was announced, and nothing of it was kept
	// PublishedWidth and PublishedHeight are the largest picture that the room's server
	// said was published, in pixels; 0: it did not say.
	PublishedWidth, PublishedHeight int
	// Less says that the recorder asked for smaller pictures. Smaller is for how long
	// they came clearly smaller than published though it had not; 0 for a shared screen,
	// of which the window may become smaller.
	Less    bool
	Smaller time.Duration
	// Plaintext: it, or a part of it, came unencrypted into an encrypted room.
	Plaintext bool
}

// A Silence is something that was published and on which nothing was sent, from first
// to last.
type Silence struct {
	Label, Participant string
	From, To           time.Duration
}

// A Hole is a span in which a track misses what was published.
type Hole struct {
	media.Event        // of type hole; Time is From
	Label       string // the track, or the participant, for people
	// Wanted: people wanted it, by consent or a pause, or because only those are
	// recorded who proved who they are. The recording misses nothing.
	Wanted bool
}

// A LockedSpan is a span of segments in a row that no key of the reader opens.
type LockedSpan struct {
	Epoch       int
	First, Last int           // numbers of segments
	From, To    time.Duration // as what is around them tells
}

// An Unreadable is a segment that cannot be had, or not to its end.
type Unreadable struct {
	Segment  int // of those left out in a row the first
	From, To time.Duration
	Why      Why
	Text     string // for people
}

// A Why is why a segment cannot be had.
type Why string

const (
	WhyMissing Why = "missing"  // the store does not have it
	WhyDamaged Why = "damaged"  // its bytes are not those that were recorded, or make no sense
	WhyTorn    Why = "torn"     // its recorder died
	WhyLeftOut Why = "left-out" // the log has later ones: the recorder gave it up, or hides it
	WhyStore   Why = "store"    // the store failed; it may be had in a moment
)
