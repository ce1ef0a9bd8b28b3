package keys

import (
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/internal/filelock"
)

// lock waits until nobody else changes what is pinned. The end of the process frees the
// lock, too. Where there is no flock it is nil, and the first card of a name has the name
// all the same, since its file is never replaced by another's.
func (h *Home) lock() (*filelock.Lock, error) {
	l, err := filelock.Wait(h.path(lockName))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, fmt.Errorf("could not lock the pinned cards: %w", err)
	}
	return l, nil
}
