package recorder

import (
	"cmp"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// The limits of events that a member can cause as often as they like. Events that come
// faster are not put into the timeline, but counted there.
const (
	burst         = 50          // events of one type and member at once
	refill        = time.Second // after these, one event in this time
	textBurst     = 4 << 20     // bytes that one member writes at once
	textRefill    = time.Second / (64 << 10)
	roomBurst     = 500 // events of all types and members together at once
	roomRefill    = 50 * time.Millisecond
	ownBurst      = 20 // events of each member at once, whatever the others do
	ownRefill     = 10 * time.Second
	maxMembers    = 4096            // members that are counted apart; with more, all counts start anew
	reportDropped = 5 * time.Second // the least time between reports of what was dropped
)

// A bucket holds tokens, one for each event, or for each byte.
type bucket struct {
	tokens int
	filled time.Duration
}

// take takes n tokens, if there are as many, and reports whether it did. The bucket holds
// at most size tokens, and gets one in each refill.
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

// A bucketKey is a member and a type of events. Without a type, it is for all their events.
type bucketKey struct {
	participant string
	typ         media.EventType
}

// eventLimits bound how fast events go into the timeline. One goroutine at a time uses
// them.
type eventLimits struct {
	all   bucket
	typed map[bucketKey]*bucket
	text  map[string]*bucket // bytes that each member writes
	own   map[string]*bucket // events of each member, whatever the others do
}

func newEventLimits() eventLimits {
	return eventLimits{all: bucket{tokens: roomBurst}, typed: make(map[bucketKey]*bucket), text: make(map[string]*bucket), own: make(map[string]*bucket)}
}

// allow reports whether an event may go into the timeline at a time. The time is by the
// recorder's clock: that of the event may be its sender's word.
func (r *eventLimits) allow(e media.Event, at time.Duration) bool {
	who := cmp.Or(e.By, e.Participant)
	if !bucketFor(r.typed, bucketKey{who, paired(e.Type)}, burst, at).take(at, 1, burst, refill) {
		return false
	}
	if e.Text != "" && !bucketFor(r.text, who, textBurst, at).take(at, len(e.Text), textBurst, textRefill) {
		return false
	}
	return r.all.take(at, 1, roomBurst, roomRefill) || bucketFor(r.own, who, ownBurst, at).take(at, 1, ownBurst, ownRefill)
}

// paired returns the type with which events of a type are counted.
func paired(typ media.EventType) media.EventType {
	if typ == media.EventUnmute {
		return media.EventMute
	}
	return typ
}

// bucketFor returns the bucket of a key. If there is none, it adds a full one.
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

// allows reports whether an event may go into the timeline now. If not, it counts the
// event as dropped.
func (c *activity) allows(e media.Event, now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rates.allow(e, now) {
		return true
	}
	c.dropped.add(cmp.Or(e.By, e.Participant), paired(e.Type), 1)
	return false
}

// allowsRetry reports the same for an event that was counted before or will be tried
// again. It does not count the event.
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
