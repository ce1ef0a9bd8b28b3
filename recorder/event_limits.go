package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Events that a member can cause as often as they like go into the timeline only this
// fast. Those that come faster are counted, and the count goes into it.
const (
	burst         = 50          // events of one type and member at once,
	refill        = time.Second // and then one in so long
	textBurst     = 4 << 20     // bytes of what one member writes at once,
	textRefill    = time.Second / (64 << 10)
	roomBurst     = 500 // events of all types and members together at once,
	roomRefill    = 50 * time.Millisecond
	ownBurst      = 20 // but so many of each member, whatever the others do,
	ownRefill     = 10 * time.Second
	maxMembers    = 4096            // whose events are counted apart; beyond, all start anew
	reportDropped = 5 * time.Second // what was dropped is told at most so often
)

// A bucket holds tokens, one for each event, or for each byte.
type bucket struct {
	tokens int
	filled time.Duration
}

// take takes n tokens at a time, if there are as many. The bucket has room for
// size of them and gets one in each refill.
func (b *bucket) take(at time.Duration, n, size int, refill time.Duration) bool {
	if more := int64((at - b.filled) / refill); more > 0 {
		b.tokens = int(min(int64(size), int64(b.tokens)+more))
		b.filled += time.Duration(more) * refill
	}
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// A bucketKey is for one type of a member's events; without a type, for all.
type bucketKey struct {
	participant string
	typ         media.EventType
}

// eventLimits are how fast events may come. One goroutine at a time uses them.
type eventLimits struct {
	all   bucket
	typed map[bucketKey]*bucket
	text  map[string]*bucket // what each member writes
	own   map[string]*bucket // what each member has whatever the others do
}

func newEventLimits() eventLimits {
	return eventLimits{all: bucket{tokens: roomBurst}, typed: make(map[bucketKey]*bucket), text: make(map[string]*bucket), own: make(map[string]*bucket)}
}

// allow reports whether an event may go into the timeline at a time. That is the
// recorder's: the event's own may be what its sender says.
func (r *eventLimits) allow(e media.Event, at time.Duration) bool {
	who := e.Participant
	if !bucketFor(r.typed, bucketKey{who, paired(e.Type)}, burst, at).take(at, 1, burst, refill) {
		return false
	}
	if e.Text != "" && !bucketFor(r.text, who, textBurst, at).take(at, len(e.Text), textBurst, textRefill) {
		return false
	}
	return r.all.take(at, 1, roomBurst, roomRefill) || bucketFor(r.own, who, ownBurst, at).take(at, 1, ownBurst, ownRefill)
}

// paired is the type that events of a type are counted with.
func paired(typ media.EventType) media.EventType {
	if typ == media.EventUnmute {
		return media.EventMute
	}
	return typ
}

// bucketFor returns a bucket by its key, a full one where there is none.
func bucketFor[K comparable](buckets map[K]*bucket, key K, size int, at time.Duration) *bucket {
	b := buckets[key]
	if b == nil {
		if len(buckets) >= maxMembers {
			clear(buckets)
		}
		b = &bucket{tokens: size, filled: at}
		buckets[key] = b
	}
	return b
}

// allows reports whether an event may go into the timeline now; if not, it is counted as
// dropped.
func (c *activity) allows(e media.Event, now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rates.allow(e, now) {
		return true
	}
	c.dropped.add(e.Participant, paired(e.Type), 1)
	return false
}

// allowsRetry is allows for an event that was counted before, or will be tried again: it
// does not count it.
func (c *activity) allowsRetry(e media.Event, now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rates.allow(e, now)
}

// drop counts events that do not go into the timeline.
func (c *activity) drop(participant string, typ media.EventType, n int) {
	if n <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped.add(participant, typ, n)
}
