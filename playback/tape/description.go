package tape

import (
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
)

// States of a recording that did not open, instead of a state that a head signs.
const (
	StateForeign    archive.State = "foreign-signer" // no recorder that the reader trusts signed it
	StateDamaged    archive.State = "damaged"        // head or log are not what was signed, or there is no head
	StateRolledBack archive.State = "rolled-back"    // the reader has seen a later or another state of it
)

// A Description is what is known of a recording. Names and events in it are the
// claims of the room's server. The caller owns its slices.
type Description struct {
	// What anyone can see who has pinned the recorder:

	ID string
	// State is open, closed or cut, as the head signs it, or one of the States
	// above if the recording did not open. "" means that the store did not
	// answer.
	State       archive.State
	Signers     []Signer
	PostQuantum bool // no epoch is sealed to a classic key
	Objects     int  // in the log
	Segments    int  // of these
	// Missing are objects that the log names and the store lacks. Bytes is the
	// size of all objects that the store has.
	Missing []string
	Bytes   int64
	// Unlisted: the store gives objects by name only. What it lacks, what others
	// added and how large all is are then not known.
	Unlisted bool
	Epochs   []Epoch
	Opens    Access
	// Withheld are the epochs that a key opens only by a grant of WithheldBy,
	// whose key was revoked. Such a grant does not count, so these epochs are not
	// open.
	Withheld   []int
	WithheldBy Signer

	// SharedBy is the key that shared it to the reader, if only an invitation says so:
	// see Claimed of archive.Grant. "" otherwise.
	SharedBy string

	// What the reader's keys open. All of it is empty if they open nothing:

	// HolesKnown reports that Holes are all declared holes in what opens. Without
	// a key they are not known.
	HolesKnown   bool
	Start        time.Time // zero: not known
	Duration     time.Duration
	Room         string        // "" if the reader cannot open its beginning
	Title        string        // what its recorder called it: see playback.Title
	ResealedFrom string        // the head of the recording that it was made of: see Cited
	Imported     *Imported     // how it was made of files; nil: it was recorded in a room
	Meeting      string        // the room's server's ID of the meeting; "" if not known
	Follows      string        // the ID of the recording whose meeting it continues
	FollowsTold  bool          // the room's server said so; else its recorder's home had the other
	FollowsToo   string        // another, of which the room's server said so; "" for none
	PartOf       string        // the ID of the recording of the main room, if this is of a smaller one
	RecorderCard string        // the recorder's card, a signed note that nobody has checked; "" if it has none
	Tracks       []Track       // in order of appearance; tracks without media come last
	People       []Person      // in order of joining
	Servers      []Server      // if media came from several
	MemberKeys   bool          // the members made the room's keys, and gave them to the recorder if they agreed
	Names        *media.Names  // what they are called, such that they can be told apart; nil if nothing opens
	Silent       []Silence     // published tracks on which nothing was ever sent
	Events       []media.Event // the timeline, by time
	Holes        []Hole        // all that were declared, by time, including wanted ones
	Locked       []LockedSpan  // spans that no key of the reader opens
	Unreadable   []Unreadable  // other segments that cannot be read to their end

	// Problems are its other faults, as sentences.
	Problems []string

	// Err is why it did not open. Nil means that it did.
	Err error
}

// Over reports whether the recording has ended: it is closed or cut.
func (d *Description) Over() bool { return d.State.Final() }

// An Imported says how a recording was made of files, as whoever did so says.
type Imported struct {
	By    string    // their card's name, and its words
	At    time.Time // zero: not known
	Files []ImportedFile
}

// An ImportedFile is a file that a recording was made of.
type ImportedFile struct {
	Name   string
	Size   int64
	SHA256 string   // in hexadecimal digits
	Notes  []string // what was done with it
}

// An Epoch is a span of the recording with one set of readers.
type Epoch struct {
	Number   int
	Hybrid   bool // it has readers with post-quantum keys
	Classic  bool // some readers have other keys: a quantum computer could open it
	Opens    bool // a key of the reader opens it
	Segments int  // how many it has
	// First and Last are the numbers of its first and its last segment. -1 means
	// that it has none.
	First, Last int
}

// A Track is one of the recording's tracks.
type Track struct {
	media.Track // without a Codec: it was announced, and has no media
	// PublishedWidth and PublishedHeight are the size of the largest picture that
	// was published according to the server, in pixels. 0 means that the server
	// did not say.
	PublishedWidth, PublishedHeight int
	// Less reports that the recorder asked for smaller pictures. Smaller is how
	// long the pictures were clearly smaller than published without that. It is 0
	// for a shared screen, whose window may become smaller.
	Less    bool
	Smaller time.Duration
	// Plaintext: some or all of it came unencrypted into an encrypted room.
	Plaintext bool
}

// A Silence is a published track on which nothing was sent, from its first to its
// last moment.
type Silence struct {
	Label, Participant string
	From, To           time.Duration
}

// A Hole is a span in which a track lacks published media.
type Hole struct {
	media.Event        // of type hole; Time is From
	Label       string // name of the track, or the participant, for people
	// Wanted: people wanted the hole, by consent or a pause, or because only
	// people who proved who they are are recorded. Such a hole makes no recording
	// incomplete.
	Wanted bool
}

// A LockedSpan is a row of segments that no key of the reader opens.
type LockedSpan struct {
	Epoch       int
	First, Last int           // numbers of segments
	From, To    time.Duration // as far as the segments around them show
}

// An Unreadable is a segment that cannot be read to its end.
type Unreadable struct {
	Segment  int // the first, for several left out in a row
	From, To time.Duration
	Why      Why
	Text     string // for people
}

// A Why is why a segment cannot be read.
type Why string

const (
	WhyMissing Why = "missing"  // the store lacks it
	WhyDamaged Why = "damaged"  // its bytes are not those that were recorded, or make no sense
	WhyTorn    Why = "torn"     // its recorder died while writing it
	WhyLeftOut Why = "left-out" // the log has later ones: the recorder gave it up, or hides it
	WhyStore   Why = "store"    // the store failed; another try may help
)
