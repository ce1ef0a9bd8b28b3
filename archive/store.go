package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"
)

// A Store stores named objects. ValidName defines the names. No name may be the
// folder of another ("a" beside "a/b"): some stores cannot hold both, and return
// ErrConflict.
//
// All methods are safe for concurrent use, also by several processes on one
// store. They do not retry: Retry wraps a Store that does. A cancelled context
// leaves the store as it was, or with the whole object in place, and never with a
// part of one. Any other error of Put or Delete leaves the same, and the caller
// finds out which by calling again.
//
// An error wraps one of these, or another try may help:
//   - fs.ErrNotExist: the object is not there.
//   - ErrConflict: the name is taken by other content.
//   - ErrMismatch: the content of a Blob has not its size or SHA-256.
//   - ErrSource: a Blob cannot be read.
//   - ErrNoStore: the bucket or folder itself is missing.
//   - ErrDenied: the credentials were refused, or do not allow the call.
//   - ErrRefused: the store does not do this, however often it is asked.
//   - ErrNotListed: the store gives objects by name only. Only List and Prefixes
//     return this.
//   - ErrExpired: the credentials have ended. It comes with ErrDenied.
//   - fs.ErrInvalid: the name or the offset is not valid.
type Store interface {
	// Put stores b under name and returns once it is durable, with size and
	// SHA-256 confirmed. If the object exists already with the same content, Put
	// returns nil. If it exists with other content, Put returns ErrConflict and
	// changes nothing; with b.Replace it overwrites the object atomically
	// instead. If several callers put different content under one new name at
	// once, one succeeds, unless the store is Unguarded.
	Put(ctx context.Context, name string, b Blob) error

	// Get reads n bytes of the object from offset off. Negative n means to the
	// end. A range that ends beyond the object gives what there is, which may be
	// nothing. The context must last until the caller has closed the reader. The
	// bytes must not be trusted: a Store may return wrong ones.
	Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error)

	// List yields the objects whose name begins with prefix, in byte order of
	// their names. It stops after the first error it yields. Objects that are put
	// or deleted meanwhile may be listed or not; all others are. Files whose
	// names are not valid were not put by a Store, and are left out.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Stat describes one object without reading it. The errors are those of Get.
	Stat(ctx context.Context, name string) (Info, error)

	// Prefixes yields the first element of the names that have more than one: "a"
	// for "a/head" and "a/log/0000", nothing for "b". It yields each once, in the
	// order of List. It stops after the first error it yields.
	Prefixes(ctx context.Context) iter.Seq2[string, error]

	// Delete removes the object. Deleting what is not there is no error.
	Delete(ctx context.Context, name string) error

	// Purge removes all objects whose name begins with prefix, which must not be
	// empty. It removes all their versions too, and those of objects deleted
	// before: Delete leaves versions in a bucket that has them. If the store does
	// not delete some of them, Purge removes the others and returns a
	// *RetainedError.
	Purge(ctx context.Context, prefix string) error

	// Limits reports where the store falls short of this contract, as far as that
	// is known. A bucket's Store knows it once it has put an object.
	Limits() Limits
}

// An Info describes one object of a Store. List sets name and size.
type Info struct {
	Name string
	Size int64
	// SHA256 is what the store computed when the object arrived. Zero means that
	// the store has none for this object.
	SHA256 [sha256.Size]byte
	// Modified is when the object was last put, by the store's clock.
	Modified time.Time
}

// Limits are promises that some stores cannot make. The zero value means that the
// store makes all of them.
type Limits struct {
	// Unguarded: the store itself cannot refuse a name that is taken, so Put
	// looks first. If two callers put different content under one name at the
	// same moment, one overwrites the other, and both Puts may succeed.
	Unguarded bool
	// Unchecked: the store neither checks nor stores the SHA-256 of what it is
	// sent. Put reads back what was stored, and fails if another caller has
	// replaced it meanwhile. To check an object later, one has to read it.
	Unchecked bool
}

var (
	// ErrConflict: the name is taken by an object with other content.
	ErrConflict = errors.New("object exists with other content")
	// ErrMismatch: the content read from a Blob has not its size or SHA-256.
	ErrMismatch = errors.New("content does not match its size and hash")
	// ErrSource: a Blob could not be opened or read. The store is not to blame.
	ErrSource = errors.New("content could not be read")
	// ErrNoStore: the bucket or folder that should hold the objects is missing.
	ErrNoStore = errors.New("no such store")
	// ErrDenied: the store refused the credentials, or they do not allow this.
	ErrDenied = errors.New("access denied by the store")
	// ErrUnreadable: the store gave other objects, but this one not at any try.
	ErrUnreadable = errors.New("the store gives other objects, but not this one")
	// ErrRefused: the store does not do what it was asked for, and never will.
	ErrRefused = errors.New("refused by the store for good")
	// ErrNotListed: the store gives objects to who knows their names, and lists none.
	ErrNotListed = errors.New("the store does not list its objects")
	// ErrExpired: what let one read from the store has ended.
	ErrExpired = errors.New("access to the store has expired")
)

// A NotObjectError reports something in the place of an object, or of a folder on
// its path, that no Store put there and that none follows: a symbolic link, a
// pipe, a device. It matches fs.ErrNotExist.
type NotObjectError struct {
	Name string // of the object, or of the folder
	What string // for people, such as "a symbolic link"
}

func (e *NotObjectError) Error() string {
	return fmt.Sprintf("in the place of %s is %s", e.Name, e.What)
}

// Is reports whether target is fs.ErrNotExist.
func (e *NotObjectError) Is(target error) bool { return target == fs.ErrNotExist }

// NotObject returns the *NotObjectError for a file of this mode in the place of name.
func NotObject(name string, mode fs.FileMode) error {
	what := "something that is no file"
	switch mode.Type() {
	case 0:
		what = "a file"
	case fs.ModeDir:
		what = "a folder"
	case fs.ModeSymlink:
		what = "a symbolic link"
	case fs.ModeNamedPipe:
		what = "a pipe"
	case fs.ModeSocket:
		what = "a socket"
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		what = "a device"
	}
	return &NotObjectError{Name: name, What: what}
}

// maxName is the longest name in bytes. A common file system allows at least as
// much for each element of a path, and S3 allows 1,024 with the prefix.
const maxName = 255

// ValidName returns an error that wraps fs.ErrInvalid unless name can name an
// object. A name has at most 255 bytes. It is elements separated by single
// slashes, each of ASCII letters, digits, '-' and '.', and not beginning with
// '.'. So "." and ".." are no elements, nor are hidden files of a file system or
// the temporary files of archive/dir.
func ValidName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("object name of %d bytes: %w", len(name), fs.ErrInvalid)
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "" || elem[0] == '.' || strings.ContainsFunc(elem, notInName) {
			return fmt.Errorf("object name %q: %w", name, fs.ErrInvalid)
		}
	}
	return nil
}

func notInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.')
}

// ScratchPrefix begins the names of throw-away objects, which are put to try what
// a store does. A recording's ID has no lower-case letters and no hyphens, so no
// such object is taken for a recording.
const ScratchPrefix = "probe-"

// ValidPrefix reports whether some valid name begins with prefix. A Store lists
// nothing for one that is not valid.
func ValidPrefix(prefix string) bool {
	return ValidName(prefix) == nil || ValidName(prefix+"x") == nil
}
