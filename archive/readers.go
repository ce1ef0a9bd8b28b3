package archive

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"filippo.io/age"
)

// ReadersAtMost returns to how many keys the files of epoch n are sealed at most.
// It needs no key. The number is a bound, since files are padded with readers
// that do not exist and look like the others. Readers who were let in by a grant
// are not counted.
//
// The error wraps fs.ErrNotExist if there is no such epoch, and is a
// *CorruptError if one of its files is damaged.
func (r *Recording) ReadersAtMost(ctx context.Context, n int) (int, error) {
	i, ok := slices.BinarySearchFunc(r.epochs, n, func(e *epoch, n int) int { return cmp.Compare(e.Number, n) })
	if !ok {
		return 0, fmt.Errorf("epoch %d is not in the log: %w", n, fs.ErrNotExist)
	}
	readers := 0
	for _, file := range r.epochs[i].files {
		sealed, err := readEntry(ctx, r.store, r.head.ID, file, maxEpoch)
		if err != nil {
			return 0, err
		}
		var c stanzaCounter
		_, err = age.Decrypt(bytes.NewReader(sealed), &c)
		if noMatch := (*age.NoIdentityMatchError)(nil); !errors.As(err, &noMatch) {
			return 0, &CorruptError{Name: file.Name, Err: err}
		}
		readers += int(c)
	}
	return readers, nil
}

// A stanzaCounter is an identity that opens nothing. It counts the stanzas it is
// offered.
type stanzaCounter int

func (c *stanzaCounter) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	*c += stanzaCounter(len(stanzas))
	return nil, age.ErrIncorrectIdentity
}
