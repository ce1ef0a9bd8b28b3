package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// maxListed bounds what is read of the listing of one recording: all it can have,
// and what others put there.
const maxListed = MaxObjects + logFiles + 1<<17

// errListing says that a store lists what it cannot have.
var errListing = errors.New("the store's listing makes no sense")

// List is the List of s for a prefix within one recording, held to its contract: names
// begin with prefix and rise, so that none comes twice, and there is an
// end: an error after some 1,200,000.
func List(ctx context.Context, s Store, prefix string) iter.Seq2[Info, error] {
	return bounded(s.List(ctx, prefix), maxListed, func(info Info) string { return info.Name }, prefix)
}

// bounded yields at most max of all, in order.
func bounded[T any](all iter.Seq2[T, error], max int, key func(T) string, prefix string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last, n := "", 0
		for v, err := range all {
			k := key(v)
			switch {
			case err != nil:
			case k <= last || !strings.HasPrefix(k, prefix):
				err = fmt.Errorf("%w: %.100q after %.100q", errListing, k, last)
			case n == max:
				err = fmt.Errorf("%w: more than %d names", errListing, max)
			}
			if last, n = k, n+1; !yield(v, err) || err != nil {
				return
			}
		}
	}
}
