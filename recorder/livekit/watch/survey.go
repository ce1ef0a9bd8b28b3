package watch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// A Seen is a room as it is now, beside what is wished for it.
type Seen struct {
	Room
	Wish
	// Since is since when nobody records it although somebody should, as far as the server
	// knows: that the last job in it ended, or that the room was made. Zero where that is not
	// known, or somebody records.
	Since time.Time
}

// Survey looks at all rooms, or at those of these names, once. It returns them by name.
func Survey(ctx context.Context, s Server, agent string, policies *fleet.Policies, names ...string) ([]Seen, error) {
	rooms, err := s.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	w := &Watcher{c: Config{Server: s, Agent: agent}}
	var all []Room
	for _, r := range rooms {
		if len(names) == 0 || slices.Contains(names, r.GetName()) {
			all = append(all, roomOf(r))
		}
	}
	var mu sync.Mutex
	var seen []Seen
	failed := make(map[string]error)
	each(ctx, all, func(r Room) {
		err := w.look(ctx, &r)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed[r.Name] = err
			return
		}
		seen = append(seen, seenOf(r, policies))
	})
	if len(failed) > 0 { // unless it was closed meanwhile, of which a server says many things
		if rooms, err = s.Rooms(ctx); err != nil {
			return nil, err
		}
		for _, r := range rooms {
			err = cmp.Or(err, failed[r.GetName()])
		}
	}
	slices.SortFunc(seen, func(a, b Seen) int { return strings.Compare(a.Name, b.Name) })
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return seen, err
}

func seenOf(r Room, policies *fleet.Policies) Seen {
	s := Seen{Room: r, Wish: Wanted(&r, policies)}
	if s.Policy == nil || len(r.Recorders) > 0 {
		return s
	}
	s.Since = r.Made
	for _, d := range r.Dispatches {
		for _, j := range d.Jobs {
			if j.State == Running {
				s.Since = time.Time{} // it died, nobody knows when
				return s
			}
			s.Since = later(s.Since, j.Ended)
		}
	}
	return s
}
