package web

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// A Library is where recordings come from. Its methods may be called from
// several goroutines at once.
//
// Errors should wrap fs.ErrNotExist, [playback.ErrLocked] or
// [playback.ErrDamaged] where they are of that kind. Any other is taken for one
// of the moment.
type Library interface {
	// Recordings returns what the library page lists.
	Recordings(ctx context.Context) ([]Entry, error)
	// Open returns the recording with the ID.
	Open(ctx context.Context, id string) (Recording, error)
}

// An Entry is one recording in the list, with what the reader's key may know of
// it: Room, Title and People are empty where it opens nothing.
type Entry struct {
	ID string
	// State is open, closed or cut, as the head signs it.
	State       string
	Room, Title string
	Start       time.Time // zero if it is not known
	Duration    time.Duration
	// People are display names, Signers the names of whose signatures hold.
	People, Signers []string
	Access          Access
	Incomplete      bool
	Bytes           int64
	// Problem says what is wrong with it, in a sentence; "" if nothing is.
	Problem string
}

// Access is how much of a recording a key opens.
type Access string

const (
	AccessAll  Access = "all"
	AccessPart Access = "part"
	AccessNone Access = "none"
)

// A Recording gives one recording's segments, and its indexes if it is a
// playback.Indexer.
type Recording interface {
	playback.Source
	// Facts returns what its log and head say.
	Facts() Facts
	// Follow returns its later state if it goes on, itself if nothing is new.
	Follow(ctx context.Context) (Recording, error)
}

// Facts are what a recording's log and head say.
type Facts struct {
	ID, State string // State is open, closed or cut
	Signers   []string
	// Distrust says why the signature does not count, in a sentence; "" if it does.
	Distrust     string
	PostQuantum  bool
	Epochs       []Epoch
	ResealedFrom string // the ID of the recording that it was made of
	// Command is what opens it again: "sealtape play ID".
	Command string
}

// An Epoch is a span of the recording with one set of readers.
type Epoch struct {
	Number int
	// Opens says that the reader's key opens it.
	Opens bool
	// First and Last are the numbers of its segments.
	First, Last int
}
