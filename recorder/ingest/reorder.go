package ingest

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// turns is how many pictures a decoder holds back at most before it shows one: 16 in
	// H.264 and H.265.
	turns = 16
	// queued is how many pictures wait until some are passed on, and most at how many
	// that happens wherever it is.
	queued = 3 * turns
	most   = 16 * queued
	// squeezed is the distance of pictures that are there only to decode later ones.
	squeezed = 100 * time.Microsecond
)

// A turner takes the frames of one track as they are decoded, and passes them on in
// groups: everything in a group is shown before everything in the next. A segment may
// begin with any group, see media.ByDecoding. Frames that are never out of turn are
// groups of their own.
type turner struct {
	reordered bool
	waiting   []media.Frame
	hidden    time.Duration // how many came before the beginning
}

// add takes a frame and returns the groups that are ready.
func (t *turner) add(f media.Frame) [][]media.Frame {
	if !t.reordered {
		return [][]media.Frame{t.placed([]media.Frame{f})}
	}
	if t.waiting = append(t.waiting, f); len(t.waiting) < queued {
		return nil
	}
	return t.take(len(t.waiting) - turns)
}

// end returns what still waits.
func (t *turner) end() [][]media.Frame { return t.take(len(t.waiting)) }

// earliest returns the earliest time that waits.
func (t *turner) earliest() (at time.Duration, ok bool) {
	for i, f := range t.waiting {
		if i == 0 || f.Time < at {
			at = f.Time
		}
	}
	return max(at, 0), len(t.waiting) > 0
}

// take returns the groups that end among the first n that wait.
func (t *turner) take(n int) (groups [][]media.Frame) {
	w := t.waiting
	// after[i] is the earliest time of the frames from i on.
	after := make([]time.Duration, len(w)+1)
	after[len(w)] = 1<<63 - 1
	for i := len(w) - 1; i >= 0; i-- {
		after[i] = min(after[i+1], w[i].Time)
	}
	begin, latest := 0, time.Duration(-1<<63)
	for i := range w[:n] {
		latest = max(latest, w[i].Time)
		if latest < after[i+1] || i == n-1 && len(w) >= most {
			groups = append(groups, t.placed(slices.Clone(w[begin:i+1])))
			begin = i + 1
		}
	}
	t.waiting = slices.Delete(w, 0, begin)
	return groups
}

// placed gives frames before the beginning a place at it. They are pictures that a cut
// hides, and that later ones are made from: they pass too fast to be seen.
func (t *turner) placed(group []media.Frame) []media.Frame {
	order := make([]int, len(group))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(group[a].Time, group[b].Time) })
	for _, i := range order {
		if group[i].Time < 0 {
			group[i].Time = t.hidden * squeezed
			t.hidden++
		} else {
			group[i].Time = max(group[i].Time, t.hidden*squeezed)
		}
	}
	return group
}
