package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// CopyShares copies the shares of the recording id from src to dst, and returns
// how many there are. Like the recording itself they are copied as they are, and
// without any key. What is damaged in dst is overwritten: a share's name is the hash of its
// bytes.
//
// The error wraps a *BadObjectError for each share that is damaged in src, or cannot be
// put; the others are copied nonetheless.
func CopyShares(ctx context.Context, dst, src Store, id string) (int, error) {
	if err := ValidID(id); err != nil {
		return 0, err
	}
	n := 0
	var bad []error
	for info, err := range List(ctx, src, id+"/"+sharesFolder) {
		if err != nil {
			return n, fmt.Errorf("copying the shares of recording %s: %w", id, err)
		}
		name := strings.TrimPrefix(info.Name, id+"/")
		if !validShare(name) {
			continue
		}
		data, err := readWholeShare(ctx, src, id, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = putShare(ctx, dst, info.Name, data)
		}
		var corrupt *CorruptError
		switch {
		case errors.Is(err, ErrConflict), errors.As(err, &corrupt):
			bad = append(bad, &BadObjectError{id, name, err})
		case err != nil:
			return n, fmt.Errorf("copying %s: %w", info.Name, err)
		default:
			n++
		}
	}
	return n, errors.Join(bad...)
}

// readWholeShare returns a share whose bytes have the hash that its name is. The error
// is a *CorruptError if they have not.
func readWholeShare(ctx context.Context, s Store, id, name string) ([]byte, error) {
	data, err := read(ctx, s, id, name, maxShare)
	if err == nil && shareName(data) != name {
		return nil, &CorruptError{name, errors.New("its SHA-256 is not its name")}
	}
	return data, err
}

// putShare puts a whole share over a damaged one.
func putShare(ctx context.Context, s Store, name string, data []byte) error {
	b := BytesBlob(data)
	err := s.Put(ctx, name, b)
	if errors.Is(err, ErrConflict) {
		b.Replace = true
		if replaceErr := s.Put(ctx, name, b); !errors.Is(replaceErr, ErrDenied) {
			return replaceErr
		}
	}
	return err
}
