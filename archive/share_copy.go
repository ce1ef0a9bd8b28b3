package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// CopyShares copies the shares of the recording id from src to dst, and returns
// how many there are. Like the recording itself they are copied as they are, and
// without any key. What is too large to be read as a share is left out.
//
// The error wraps a *BadObjectError for each share whose name is taken in dst;
// the others are copied nonetheless.
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
		if !validShare(name) || info.Size > maxShare {
			continue
		}
		data, err := read(ctx, src, id, name, maxShare)
		var gone *CorruptError // or it has grown
		if errors.As(err, &gone) {
			continue
		}
		if err == nil {
			err = dst.Put(ctx, info.Name, BytesBlob(data))
		}
		switch {
		case errors.Is(err, ErrConflict):
			bad = append(bad, &BadObjectError{id, name, err})
		case err != nil:
			return n, fmt.Errorf("copying %s: %w", info.Name, err)
		default:
			n++
		}
	}
	return n, errors.Join(bad...)
}
