package archive

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"iter"
	"strings"
)

const (
	// idLen is the length of a recording's ID in characters.
	idLen = 26

	// maxRecordings bounds what is read of the listing of a store.
	maxRecordings = 1 << 20
)

// crockford is Douglas Crockford's base32: digits and letters without I, L, O
// and U, so that an ID survives being read aloud or copied by hand.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ErrNotFound is returned by [FindID] if no recording has the ID asked for.
var ErrNotFound = errors.New("no such recording")

// An AmbiguousError says that the start of an ID given to [FindID] fits more
// than one recording.
type AmbiguousError struct {
	Prefix string   // as given
	IDs    []string // the first few that fit, sorted
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the start of several recordings: %s", e.Prefix, strings.Join(e.IDs, ", "))
}

// NewID returns a fresh recording ID: 128 random bits as 26 characters of
// Crockford's base32, upper case. Nothing can be learned from it.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return crockford.EncodeToString(b[:])
}

// ValidID returns an error unless s is an ID as [NewID] makes them. Every ID from
// outside passes it before it becomes part of a path.
func ValidID(s string) error {
	b, err := crockford.DecodeString(s)
	// Decoding skips line ends and drops the two spare bits of the last
	// character; encoding again finds both.
	if err != nil || len(b) != 16 || crockford.EncodeToString(b) != s {
		return fmt.Errorf("%.40q is not a recording's ID: want %d characters of base32", s, idLen)
	}
	return nil
}

// IDs yields the IDs of the recordings in s, sorted, including those without a
// head, and those in whose place a folder store has something else, such as a link. It leaves out names that are no recording's. It stops after the first
// error it yields.
func IDs(ctx context.Context, s Store) iter.Seq2[string, error] {
	return ids(ctx, s, "")
}

// ids yields the IDs that begin with prefix, as IDs does.
func ids(ctx context.Context, s Store, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		names := bounded(firsts(ctx, s, prefix), maxRecordings, func(name string) string { return name + "/" }, "")
		for name, err := range names {
			if err != nil {
				yield("", err)
				return
			}
			if ValidID(name) == nil && strings.HasPrefix(name, prefix) && !yield(name, nil) {
				return
			}
		}
	}
}

// firsts yields the first elements of the names of objects that begin with
// prefix. It may yield others too.
func firsts(ctx context.Context, s Store, prefix string) iter.Seq2[string, error] {
	if len(prefix) < idLen {
		return s.Prefixes(ctx)
	}
	return func(yield func(string, error) bool) {
		for info, err := range s.List(ctx, prefix+"/") {
			first, _, _ := strings.Cut(info.Name, "/")
			yield(first, err)
			return
		}
		// Something else may be in the place of its folder, which reading names.
		_, err := s.Stat(ctx, prefix+"/"+headName)
		if other := (*NotObjectError)(nil); errors.As(err, &other) && other.Name == prefix {
			yield(prefix, nil)
		}
	}
}

// FindID returns the ID of the one recording in s whose ID begins with arg. It
// forgives lower case, and the letters that Crockford's base32 leaves out (I
// and L are read as 1, O as 0). If none fits, the error wraps [ErrNotFound];
// if several do, it is an [*AmbiguousError].
func FindID(ctx context.Context, s Store, arg string) (string, error) {
	prefix := strings.NewReplacer("I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(arg))
	if prefix == "" || len(prefix) > idLen || strings.Trim(prefix, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return "", fmt.Errorf("%w: %.40q is not the start of an ID", ErrNotFound, arg)
	}
	var found []string
	for id, err := range ids(ctx, s, prefix) {
		if err != nil {
			return "", fmt.Errorf("could not look for the recording: %w", err)
		}
		if found = append(found, id); len(found) == 5 {
			break
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: %s", ErrNotFound, prefix)
	case 1:
		return found[0], nil
	}
	return "", &AmbiguousError{Prefix: arg, IDs: found}
}
