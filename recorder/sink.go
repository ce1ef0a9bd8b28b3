package recorder

import (
	"errors"
	"io"
)

// A Sink takes what the recorder writes and seals it; *archive.Writer is one
// behind an adapter of a few lines. Nothing the recorder hands to a Sink may
// reach a disk or a socket unsealed. One goroutine uses it.
type Sink interface {
	// Create begins the next segment or index of the current epoch.
	Create(kind Kind) (Object, error)
}

// ErrKept: the object was committed, and then something else went wrong.
var ErrKept = errors.New("the object is kept")

// A Kind says what an Object holds.
type Kind int

const (
	Segment Kind = iota // a complete Matroska file
	Index               // JSON lines, see media.Index
)

// An Object is a segment or an index that is being written. Either Commit or
// Abort ends it.
type Object interface {
	io.Writer
	// Number counts the objects of one kind from 0, Epoch the epochs from 1.
	Number() int
	Epoch() int
	// Commit seals the object and returns when it is durable. An error that
	// wraps ErrKept means that it is, though something after it failed; after
	// any other the object is gone.
	Commit() error
	// Abort removes it.
	Abort() error
}
