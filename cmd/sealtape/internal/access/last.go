package access

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/keys"
)

const (
	// statsAtOnce is how many heads the store is asked for at once, opensAtOnce how
	// many recordings are opened: each takes a few requests, and a bucket is far away.
	statsAtOnce = 32
	opensAtOnce = 8
	// clockSlack is how far a recorder's clock may be ahead of a store's.
	clockSlack = time.Hour
)

// last returns the recording with the latest start, "" where that is not known of any,
// and of how many that might be later it is not known.
//
// The store does not know starts: IDs are random, and an upload can be later than a
// meeting. They are known of what was recorded with this home, and of what a key of
// one's own opens. But no recording starts after its head was stored, so one whose
// head is older than the latest start found need not be opened. What was learned is
// kept in the home: a start never changes.
func (a *Access) last(ctx context.Context, ids []string) (last string, unknown int, err error) {
	starts, err := knownStarts(a.Home)
	if err != nil {
		return "", 0, err
	}
	s := search{starts: starts, fresh: make(map[string]start), stored: a.stored, open: func(ctx context.Context, id string) (time.Time, bool, error) {
		identities, err := a.Keys(ctx)
		if err != nil && !errors.Is(err, keys.ErrNoIdentity) {
			return time.Time{}, false, err
		}
		at, ok := a.start(ctx, id, identities)
		return at, ok, nil
	}}
	last, unknown, err = s.latest(ctx, ids)
	if len(s.fresh) > 0 {
		// It costs the next search time, nothing more.
		_ = noteStarts(a.Home, s.fresh)
	}
	return last, unknown, err
}

// NoteStarts keeps when recordings started, by ID, so that last need not look for it.
func (a *Access) NoteStarts(starts map[string]time.Time) {
	known, err := knownStarts(a.Home)
	if err != nil {
		return // it costs the next search time, nothing more
	}
	fresh := make(map[string]start)
	for id, at := range starts {
		if k, ok := known[id]; !ok || k.latest {
			fresh[id] = start{at: at}
		}
	}
	if len(fresh) > 0 {
		_ = noteStarts(a.Home, fresh)
	}
}

// stored returns when the head of a recording was stored; zero means that this is not
// known. The error is fs.ErrNotExist where there is no head.
func (a *Access) stored(ctx context.Context, id string) (time.Time, error) {
	info, err := a.Store.Stat(ctx, id+"/head")
	if errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
		return time.Time{}, err
	} else if err != nil {
		return time.Time{}, nil // it may be opened all the same
	}
	return info.Modified, nil
}

// A start is when a recording started, or a time after which it did not.
type start struct {
	at     time.Time
	latest bool // it started then or before
}

// A search is one for the recording with the latest start.
type search struct {
	starts map[string]start // known before, by ID
	fresh  map[string]start // learned by it
	stored func(ctx context.Context, id string) (time.Time, error)
	open   func(ctx context.Context, id string) (at time.Time, ok bool, err error)
}

// A candidate is a recording that may be the last one.
type candidate struct {
	id     string
	before time.Time // it started then or before; zero: not known
}

// latest does what Access.last does.
func (s *search) latest(ctx context.Context, ids []string) (last string, unknown int, err error) {
	var best time.Time
	later := func(id string, at time.Time) {
		if last == "" || at.After(best) || at.Equal(best) && id > last {
			last, best = id, at
		}
	}
	var bounded []candidate
	var asked []candidate // of which nothing is known
	for _, id := range ids {
		switch known, ok := s.starts[id]; {
		case !ok:
			asked = append(asked, candidate{id: id})
		case known.latest:
			bounded = append(bounded, candidate{id, known.at})
		default:
			later(id, known.at)
		}
	}
	gone, err := s.bound(ctx, asked)
	if err != nil {
		return "", 0, err
	}
	for i, c := range asked {
		if gone[i] {
			unknown++
			continue
		}
		bounded = append(bounded, c)
	}
	// The latest first, those without a bound before all.
	slices.SortStableFunc(bounded, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.rank(), x.rank()), cmp.Compare(x.id, y.id))
	})
	believed := true // no recording starts after its head was stored
	atOnce := 1      // one first, for it is likely to be the last
	for len(bounded) > 0 {
		if c := bounded[0]; believed && last != "" && !c.before.IsZero() && c.before.Before(best) {
			break // and so are all others
		}
		batch := bounded[:min(atOnce, len(bounded))]
		bounded, atOnce = bounded[len(batch):], opensAtOnce
		at, err := s.openAll(ctx, batch)
		if err != nil {
			return "", 0, err
		}
		for i, c := range batch {
			if at[i].IsZero() {
				unknown++
				continue
			}
			s.fresh[c.id] = start{at: at[i]}
			believed = believed && (c.before.IsZero() || !at[i].After(c.before))
			later(c.id, at[i])
		}
	}
	if !believed {
		maps.DeleteFunc(s.fresh, func(_ string, st start) bool { return st.latest })
	}
	return last, unknown, nil
}

func (c candidate) rank() int64 {
	if c.before.IsZero() {
		return 1<<63 - 1
	}
	return c.before.Unix()
}

// bound asks the store since when it has the heads of recordings, and reports which
// have none.
func (s *search) bound(ctx context.Context, asked []candidate) (gone []bool, err error) {
	gone = make([]bool, len(asked))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(statsAtOnce)
	for i := range asked {
		g.Go(func() error {
			at, err := s.stored(ctx, asked[i].id)
			if gone[i] = errors.Is(err, fs.ErrNotExist); gone[i] {
				return nil
			}
			if !at.IsZero() {
				asked[i].before = at.Add(clockSlack)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, c := range asked {
		if !gone[i] && !c.before.IsZero() {
			s.fresh[c.id] = start{c.before, true}
		}
	}
	return gone, nil
}

// openAll returns when recordings started; zero means that this cannot be read.
func (s *search) openAll(ctx context.Context, batch []candidate) ([]time.Time, error) {
	at := make([]time.Time, len(batch))
	// The first asks for a passphrase if need be, alone.
	first, ok, err := s.open(ctx, batch[0].id)
	if err != nil {
		return nil, err
	} else if ok {
		at[0] = first
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, c := range batch[1:] {
		g.Go(func() error {
			t, ok, err := s.open(gctx, c.id)
			if ok {
				at[i+1] = t
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return at, ctx.Err()
}
