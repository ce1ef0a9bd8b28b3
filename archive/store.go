package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
)

// A Store keeps named objects. Names are slash-separated, relative, made of
// lower- and upper-case ASCII letters, digits, '-', '.', and '/', without
// empty, "." or ".." elements.
//
// All methods are safe for concurrent use. They do not retry; Retry wraps a
// Store that does. A cancelled context leaves the store as it was, or with the
// whole object in place: never with a part of one.
//
// Errors wrap fs.ErrNotExist for an object that is not there, ErrConflict for
// a name that is taken by other content, ErrNoStore where the bucket or folder
// itself is missing, and ErrDenied where credentials were refused or do not
// reach. Anything else may be worth another try.
type Store interface {
	// Put stores b under name and returns once it is durable, its size and
	// SHA-256 confirmed. If the object exists already with the same content,
	// Put returns nil; with other content it returns ErrConflict and changes
	// nothing, unless b.Replace is set, which overwrites atomically.
	Put(ctx context.Context, name string, b Blob) error

	// Get reads n bytes of the object from offset off; n < 0 means to the
	// end. A range beyond the end gives what there is. The caller closes the
	// reader, and must not trust what it read: a Store may return bad bytes.
	Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error)

	// List yields the objects whose name begins with prefix, in byte order of
	// their names. It stops after the first error it yields.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Delete removes the object. Deleting what is not there is no error.
	Delete(ctx context.Context, name string) error
}

// An Info is what List tells of one object.
type Info struct {
	Name string
	Size int64
}

var (
	// ErrConflict: the name is taken by an object with other content.
	ErrConflict = errors.New("object exists with other content")
	// ErrNoStore: the bucket or folder that should hold the objects is missing.
	ErrNoStore = errors.New("no such store")
	// ErrDenied: the store refused the credentials, or they do not allow this.
	ErrDenied = errors.New("access denied by the store")
)

// A Blob is content that can be read more than once, so that a retry sends the
// same bytes, and whose size and hash are known before the first is sent.
type Blob struct {
	Size   int64
	SHA256 [sha256.Size]byte
	// Open returns the content from its start. The caller closes it.
	Open func() (io.ReadCloser, error)
	// Replace allows overwriting: the head and the last log file, nothing else.
	Replace bool
}

// BytesBlob returns a Blob of data, which must not change afterwards.
func BytesBlob(data []byte) Blob {
	return Blob{
		Size:   int64(len(data)),
		SHA256: sha256.Sum256(data),
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		},
	}
}
