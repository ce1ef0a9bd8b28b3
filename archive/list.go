package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// maxListed bounds what is read of the listing of one recording: all objects that
// it can have, and some room for what others put there.
const maxListed = MaxObjects + logFiles + 1<<17

// errListing reports a listing with names that its store cannot have.
var errListing = errors.New("the store's listing makes no sense")

// List lists the objects of s under prefix, within one recording. It enforces the
// contract of Store.List: names begin with prefix and rise, so no name comes
// twice. After some 1,200,000 names it yields an error.
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
