package player

import (
	"errors"
	"io/fs"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// A Kind is what an error means to a page, which has the words for it. The error's
// own text is for a log only: it may name stores and paths.
type Kind string

const (
	Locked  Kind = "locked" // no key of the reader opens it
	Damaged Kind = "failed" // it is not what was recorded
	Gone    Kind = "gone"   // there is no such thing
	Later   Kind = "later"  // momentary: another try may help

	RolledBack Kind = "rolled-back" // the store has an earlier state of it than was seen before, or another one
	Foreign    Kind = "foreign"     // no recorder that the reader trusts signed it
)

// KindOf returns the kind of an error that is not nil.
func KindOf(err error) Kind {
	switch tape.StateOf(err) {
	case tape.StateRolledBack:
		return RolledBack
	case tape.StateForeign:
		return Foreign
	}
	switch {
	case errors.Is(err, playback.ErrLocked):
		return Locked
	case errors.Is(err, playback.ErrDamaged), errors.Is(err, playback.ErrForeign):
		return Damaged
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, playback.ErrNotListed), errors.Is(err, playback.ErrRange), errors.Is(err, playback.ErrNothing):
		return Gone
	}
	return Later
}

// ErrRequest: what was asked for makes no sense. Its text is for programmers.
var ErrRequest = errors.New("malformed request")

var errClosed = errors.New("the player is closed")
