package recorder

import (
	"errors"
	"io"
)

// A Sink takes what the recorder writes and seals it: bot.Sink makes one of an
// *archive.Writer. Nothing the recorder hands to a Sink may reach a disk or a socket
// unsealed. One goroutine uses it.
type Sink interface {
	// CreateSegment begins the next segment, a complete Matroska file, in the current
	// epoch; CreateIndex the next index, JSON lines, see media.Index.
	CreateSegment() (Object, error)
	CreateIndex() (Object, error)
}

// ErrKept: the object was committed, and then something else went wrong.
var ErrKept = errors.New("the object is kept")

// An Object is a segment or an index that is being written. Either Commit or
// Abort ends it.
type Object interface {
	io.Writer
	// Number counts the segments, or the indexes, from 0, Epoch the epochs from 1.
	Number() int
	Epoch() int
	// Commit seals the object and returns when it is durable. An error that
	// wraps ErrKept means that it is, though something after it failed; after
	// any other the object is gone.
	Commit() error
	// Abort removes it.
	Abort() error
}
