package tape

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
)

// mostBefore is how many recordings before one are followed, each named by the next.
const mostBefore = 1000

// Near describes the recordings among which the others of id's meeting are looked for: all
// of the store if these are most at most, or most is 0. If they are more, or the store lists
// none, it describes id and those before it, each of which is named by the next: what goes on
// later is not known then, and whole is false.
func (l *Library) Near(ctx context.Context, id string, most int) (all []*Description, whole bool, err error) {
	n := 0
	whole = !l.o.Unlisted
	if whole && most > 0 {
		for _, err := range archive.IDs(ctx, l.store) {
			if err != nil && !errors.Is(err, archive.ErrNotListed) {
				return nil, false, err
			}
			if n++; err != nil || n > most {
				whole = false
				break
			}
		}
	}
	if whole {
		if all, err = l.Recordings(ctx); !errors.Is(err, archive.ErrNotListed) {
			return all, true, err
		}
	}
	seen := make(map[string]bool)
	for next := []string{id}; len(next) > 0 && len(all) <= mostBefore; next = next[1:] {
		if seen[next[0]] || archive.ValidID(next[0]) != nil {
			continue
		}
		seen[next[0]] = true
		d := l.describe(ctx, next[0])
		all = append(all, d)
		next = append(next, d.Follows, d.FollowsToo)
	}
	return all, false, ctx.Err()
}

// someParallel is how many recordings of a meeting are described at once, while one is played:
// what plays comes first.
const someParallel = 2

// Some describes the recordings with these IDs, in this order. One that does not open is among
// them, with its Err.
func (l *Library) Some(ctx context.Context, ids []string) ([]*Description, error) {
	all := make([]*Description, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(someParallel)
	for i, id := range ids {
		g.Go(func() error {
			if err := archive.ValidID(id); err != nil {
				all[i] = Unopened(id, err)
			} else {
				all[i] = l.describe(ctx, id)
			}
			return ctx.Err()
		})
	}
	return all, g.Wait()
}

// Told returns, by ID, why recordings do not count as parts of the meeting of the one with the
// ID, though somebody told the reader that they are, in order: they did not open, are not to
// be trusted, or another recorder signed them. Those that count are not in it. What recordings
// say of one another is not needed here; it does not contradict.
func Told(all []*Description, id string) map[string]string {
	i := slices.IndexFunc(all, func(d *Description) bool { return d.ID == id })
	problems := make(map[string]string)
	for _, d := range all {
		switch {
		case d.ID == id:
		case i < 0 || d.Err != nil || all[i].Err != nil:
			problems[d.ID] = "it does not open"
		case d.Trust().Outcome != Whole || all[i].Trust().Outcome != Whole:
			problems[d.ID] = "it is not to be trusted"
		case !sameRecorder(d.Signers, all[i].Signers):
			problems[d.ID] = "another recorder signed it"
		}
	}
	return problems
}
