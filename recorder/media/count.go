package media

import (
	"cmp"
	"slices"
	"time"
)

// A Count counts the people, tracks and holes in a recording's timeline and
// segments. The recorder counts what it has written, and readers count what they
// read, so that both report the same. The zero value is ready for use. It belongs
// to one goroutine.
type Count struct {
	people map[string]bool
	tracks map[uint64]bool
	more   [2]int // people and tracks beyond what is remembered
	holes  map[holesOf]*union
	missed map[holesOf]*union // for all reasons except wanted ones
	wide   bool
	whose  map[uint64]string // tracks with holes
	names  map[string]string // their latest names
}

// A Missing is the time that one participant's tracks miss for one reason, in
// all. A Participant of "" means that the hole is nobody's in particular.
type Missing struct {
	Participant, Name string
	Reason            string
	Time              time.Duration
}

// With more people, or tracks, than this, each further event counts as one.
const maxCounted = 1 << 16

type holesOf struct {
	track         uint64
	owner, reason string
}

// Event counts an event.
func (c *Count) Event(e Event) {
	if tellsOf(e.Type) && e.Participant != "" {
		c.person(e.Participant)
	}
	if (e.Type == EventJoin || e.Type == EventTrack || e.Type == EventName) && e.Name != "" && e.Participant != "" {
		note(&c.names, e.Participant, e.Name)
	}
	switch {
	case e.Type == EventTrack && e.Track != 0:
		c.track(e.Track)
	case e.Type == EventHole && e.To > e.From:
		from, to := e.From.Round(time.Millisecond), e.To.Round(time.Millisecond)
		of := holesOf{e.Track, owner(e), e.Reason}
		if e.Track != 0 && e.Participant != "" {
			note(&c.whose, e.Track, e.Participant)
		}
		c.holes = addHole(c.holes, of, from, to)
		if of.reason = ""; !Wanted(e.Reason) {
			c.missed = addHole(c.missed, of, from, to)
			c.wide = c.wide || c.missed[of].longest >= WideHole
		}
	}
}

// Track counts a track of which a segment has frames.
func (c *Count) Track(t Track) {
	c.person(t.Participant)
	c.track(t.UID)
}

// tellsOf reports whether an event of the type shows that its Participant was
// there.
func tellsOf(t EventType) bool {
	switch t {
	case EventJoin, EventLeave, EventVerified, EventClaimed, EventSpeaking, EventTrack:
		return true
	}
	return false
}

func (c *Count) person(identity string) {
	if c.people == nil {
		c.people = make(map[string]bool)
	}
	switch {
	case c.people[identity]:
	case len(c.people) < maxCounted:
		c.people[identity] = true
	default:
		c.more[0]++
	}
}

func (c *Count) track(uid uint64) {
	if c.tracks == nil {
		c.tracks = make(map[uint64]bool)
	}
	switch {
	case c.tracks[uid]:
	case len(c.tracks) < maxCounted:
		c.tracks[uid] = true
	default:
		c.more[1]++
	}
}

func addHole(to map[holesOf]*union, of holesOf, from, until time.Duration) map[holesOf]*union {
	if to == nil {
		to = make(map[holesOf]*union)
	}
	if to[of] == nil {
		to[of] = new(union)
	}
	to[of].add(from, until)
	return to
}

// People returns how many people there were.
func (c *Count) People() int { return len(c.people) + c.more[0] }

// Tracks returns how many tracks there were, including those without media.
func (c *Count) Tracks() int { return len(c.tracks) + c.more[1] }

// Holes returns the sum of the holes for each reason, over all tracks. The holes
// are those of the function Holes.
func (c *Count) Holes() map[string]time.Duration {
	sums := make(map[string]time.Duration)
	for of, u := range c.holes {
		sums[of.reason] += u.sum()
	}
	return sums
}

// Missing returns whose holes these are, longest first.
func (c *Count) Missing() []Missing {
	type key struct{ participant, reason string }
	sums := make(map[key]time.Duration)
	for of, u := range c.holes {
		sums[key{cmp.Or(of.owner, c.whose[of.track]), of.reason}] += u.sum()
	}
	var all []Missing
	for k, sum := range sums {
		all = append(all, Missing{k.participant, c.names[k.participant], k.reason, sum})
	}
	slices.SortFunc(all, func(a, b Missing) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Participant, b.Participant))
	})
	return all
}

// note sets a key in a map, unless the map is full.
func note[K comparable](in *map[K]string, key K, value string) {
	if *in == nil {
		*in = make(map[K]string)
	}
	if _, known := (*in)[key]; known || len(*in) < maxCounted {
		(*in)[key] = value
	}
}

// Incomplete reports whether WideHoles returns any.
func (c *Count) Incomplete() bool { return c.wide }

// maxUnion is the most spans of a union. Older spans are only summed up.
const maxUnion = 1024

// A union is time without overlaps. Its spans do not touch, and rise.
type union struct {
	spans   []span
	past    time.Duration // the sum of spans that are no longer stored
	longest time.Duration
}

type span struct{ from, to time.Duration }

func (u *union) add(from, to time.Duration) {
	// The first that does not end before it, and the first that begins after it.
	i, _ := slices.BinarySearchFunc(u.spans, from, func(s span, from time.Duration) int {
		if s.to+touching < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(u.spans) && u.spans[j].from <= to+touching; j++ {
		from, to = min(from, u.spans[j].from), max(to, u.spans[j].to)
	}
	u.spans = slices.Replace(u.spans, i, j, span{from, to})
	if len(u.spans) > maxUnion {
		for _, s := range u.spans[:maxUnion/2] {
			u.past += s.to - s.from
		}
		u.spans = slices.Delete(u.spans, 0, maxUnion/2)
	}
	u.longest = max(u.longest, to-from)
}

func (u *union) sum() time.Duration {
	sum := u.past
	for _, s := range u.spans {
		sum += s.to - s.from
	}
	return sum
}
