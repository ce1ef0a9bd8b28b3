package playback

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// roundedTo is how far a time in an index, in whole milliseconds, may differ from
// the times it is computed from.
const roundedTo = 2 * time.Millisecond

// index checks index n against the segments. The error is that of reading.
func (c *checker) index(ctx context.Context, n int) error {
	data, err := c.ledger.ReadIndex(ctx, n)
	if err != nil {
		return err
	}
	c.Indexes++
	wrong := func(kind, format string, args ...any) {
		c.contradict(Contradiction{Kind: kind, Index: true, Number: n, Text: fmt.Sprintf(format, args...)})
	}
	x, err := media.ReadIndex(bytes.NewReader(data))
	if err != nil {
		wrong(ContradictionMalformed, "%v", err)
		return nil
	}
	if c.o.Recording != "" && x.Recording != c.o.Recording {
		wrong(ContradictionIndex, "it is of recording %.40q", x.Recording)
		return nil
	}
	if !c.start.IsZero() && !x.Start.Equal(c.start) {
		wrong(ContradictionIndex, "it counts from %v, the segments from %v", x.Start.UTC(), c.start.UTC())
	}
	listed := c.ledger.Segments()
	var holes []media.Event
	all := true
	for _, s := range x.Segments {
		facts := c.facts[s.Number]
		if facts == nil {
			all = false
			if !slices.Contains(listed, s.Number) {
				wrong(ContradictionIndex, "it tells of segment %d, which the log has not", s.Number)
			}
			continue
		}
		holes = append(holes, facts.holes...)
		if what := facts.differ(s); what != "" {
			wrong(ContradictionIndex, "segment %d has another %s than it tells", s.Number, what)
		}
	}
	if all && !sameHoles(holes, x.Events) {
		wrong(ContradictionIndex, "it tells of other holes than its segments")
	}
	return nil
}

// differ returns how a segment differs from what its index says. "" means that it
// does not.
func (s *segmentFacts) differ(x media.IndexSegment) string {
	far := func(a, b time.Duration) bool { return (a - b).Abs() > roundedTo }
	switch {
	case x.Epoch != s.Epoch:
		return "epoch"
	case x.Size != s.Size:
		return "size"
	case s.frames && far(x.Start, s.Start):
		return "start"
	case s.frames && far(x.Duration, s.Duration):
		return "duration"
	case len(x.Tracks) != len(s.Tracks):
		return "number of tracks"
	}
	for _, t := range x.Tracks {
		i := slices.IndexFunc(s.Tracks, func(o media.IndexTrack) bool { return o.UID == t.UID })
		if i < 0 {
			return "set of tracks"
		}
		known := &s.Tracks[i]
		switch {
		case !slices.EqualFunc(t.Keys, known.Keys, func(a, b time.Duration) bool { return !far(a, b) }):
			return "list of key frames"
		case t.Continues != known.Continues, t.Begin > 0 && known.Begin > 0 && far(t.Begin, known.Begin):
			return "key frame to begin with"
		case t.Width > 0 && (t.Width != known.Width || t.Height != known.Height):
			return "largest picture"
		}
	}
	return ""
}

// sameHoles reports whether the holes among events are these holes, in any order.
func sameHoles(holes, events []media.Event) bool {
	count := make(map[media.Event]int)
	for _, g := range holes {
		count[g]++
	}
	for _, e := range events {
		if e.Type == media.EventHole {
			count[e]--
		}
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
