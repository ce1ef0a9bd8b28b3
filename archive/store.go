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

// A Store keeps named objects. ValidName says what a name is. No name may be
// the folder of another ("a" beside "a/b"): not every store can hold both, and
// one that cannot returns ErrConflict.
//
// All methods are safe for concurrent use, also by several processes on one
// store. They do not wait and try again; Retry wraps a Store so that it does. A
// cancelled context leaves the store as it was, or with the whole object in
// place: never with a part of one. After any other error of Put or Delete the
// same holds, and the caller finds out which by doing it again.
//
// Errors wrap fs.ErrNotExist for an object that is not there, ErrConflict for
// a name that is taken by other content, ErrMismatch for a Blob that is not what
// it says and ErrSource for one that cannot be read, ErrNoStore where the bucket
// or folder itself is missing, ErrDenied where credentials were refused or do not
// reach, ErrRefused for what the store does not do however often it is asked, and
// fs.ErrInvalid for a name or an offset that cannot be. Anything else may be worth
// another try.
type Store interface {
	// Put stores b under name and returns once it is durable, its size and
	// SHA-256 confirmed. If the object exists already with the same content,
	// Put returns nil; with other content it returns ErrConflict and changes
	// nothing, unless b.Replace is set, which overwrites atomically. Of several
	// that put different content under one new name at once, one succeeds,
	// unless the store is Unguarded.
	Put(ctx context.Context, name string, b Blob) error

	// Get reads n bytes of the object from offset off; n < 0 means to the
	// end. A range beyond the end gives what there is, which may be nothing.
	// The context must last until the caller has read and closed the reader.
	// What was read must not be trusted: a Store may return bad bytes.
	Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error)

	// List yields the objects whose name begins with prefix, in byte order of
	// their names. It stops after the first error it yields. Objects put or
	// deleted meanwhile may be listed or not; all others are. What lies in the
	// store under a name that is not valid was not put there by a Store, and is
	// left out.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Stat tells of one object without reading it. The error is as those of Get.
	Stat(ctx context.Context, name string) (Info, error)

	// Prefixes yields the first element of the names that have more than one:
	// "a" for "a/head" and "a/log/0000", nothing for "b". Each once, in the order
	// of List, and only where there is such an object. It stops after the first
	// error it yields.
	Prefixes(ctx context.Context) iter.Seq2[string, error]

	// Delete removes the object. Deleting what is not there is no error.
	Delete(ctx context.Context, name string) error

	// Purge removes all objects whose name begins with prefix, which is not
	// empty, with all their versions, and those of objects that were deleted
	// before: of a bucket with versions Delete leaves them. If the store holds
	// some of them back, Purge removes the others and returns a *RetainedError.
	Purge(ctx context.Context, prefix string) error

	// Limits says where the store falls short of this contract, as far as that
	// is known. A bucket's Store knows once it has put an object.
	Limits() Limits
}

// An Info is what a Store tells of one object. List fills in name and size.
type Info struct {
	Name string
	Size int64
	// SHA256 is what the store computed when the object arrived, and keeps. Zero
	// if it keeps none of this object.
	SHA256 [sha256.Size]byte
	// Modified is when the object was put last, by the store's clock.
	Modified time.Time
}

// Limits are what some stores cannot promise. The zero value is none.
type Limits struct {
	// Unguarded: the store itself cannot refuse a name that is taken. Put looks
	// first, so that only who puts other content in that very moment is
	// overwritten, or overwrites: both may be told that they succeeded.
	Unguarded bool
	// Unchecked: the store neither checks nor keeps the SHA-256 of what it is
	// sent. Put reads back what was stored, and fails if another has replaced it
	// since. Whoever wants to know later what is there has to read it.
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
)

// A NotObjectError says that in the place of an object, or of a folder that would
// hold it, lies what no Store put there and none follows: in a folder a symbolic
// link, a pipe, a device. It is an fs.ErrNotExist.
type NotObjectError struct {
	Name string // of the object, or of the folder
	What string // for people, such as "a symbolic link"
}

func (e *NotObjectError) Error() string {
	return fmt.Sprintf("in the place of %s is %s", e.Name, e.What)
}

// Is reports whether target is fs.ErrNotExist.
func (e *NotObjectError) Is(target error) bool { return target == fs.ErrNotExist }

// maxName is the longest name, in bytes. A folder's limit is per element and
// larger on no common file system; S3 allows 1,024 with the prefix.
const maxName = 255

// ValidName returns an error that wraps fs.ErrInvalid unless name can name an
// object: at most 255 bytes, elements separated by single slashes, each made of
// ASCII letters, digits, '-' and '.', and not beginning with '.'. So "." and
// ".." are no elements, and neither are a file system's own hidden files or the
// temporary files of archive/dir.
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

// ScratchPrefix begins the names of throw-away objects, by which it is tried what a
// store does. No recording's ID has a lower-case letter or a hyphen, so nothing
// takes them for one.
const ScratchPrefix = "probe-"

// ValidPrefix reports whether some valid name begins with prefix. A Store lists
// nothing for one that is not valid.
func ValidPrefix(prefix string) bool {
	return ValidName(prefix) == nil || ValidName(prefix+"x") == nil
}
