package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	holeBurst  = 500                   // holes of a track that are told at once,
	holeRefill = 40 * time.Millisecond // and then one in so long: every second packet of sound may be lost
)

// A hole is a span of a track that is missing, open while from <= its end.
type hole struct {
	open   bool
	from   time.Duration
	reason string
}

// openHole opens a hole at from unless one is open: the first cause stands. But
// to say that a track has not begun is no cause once there is another.
func (t *trackRecorder) openHole(from time.Duration, reason string) {
	switch {
	case !t.hole.open:
		t.hole = hole{open: true, from: from, reason: reason}
	case t.hole.reason == media.GapStart && reason != media.GapKeyFrame:
		t.hole.reason = reason
	}
}

// extendHole notes that the hole reaches to at, and declares it piece by piece
// so that a crash cannot hide a long one.
func (t *trackRecorder) extendHole(at time.Duration) {
	t.end = max(t.end, at)
	if at-t.hole.from >= declareEvery {
		reason := t.hole.reason
		t.closeHole(at)
		t.hole = hole{open: true, from: at, reason: reason}
	}
}

// mayClose reports whether the open hole, if there is one, may end at a time: the
// holes of a track are told so fast only. Where they come faster, what is between
// them is left out, so that fewer holes are true of as much.
func (t *trackRecorder) mayClose(at time.Duration) bool {
	if !t.hole.open || t.isNone(at) {
		return true
	}
	now := t.run.clock.now()
	if !t.holed {
		t.holed, t.holes = true, bucket{tokens: holeBurst, filled: now}
	}
	return t.holes.take(now, 1, holeBurst, holeRefill)
}

// isNone reports whether a hole that ends at a time is none.
func (t *trackRecorder) isNone(to time.Duration) bool {
	return to <= t.hole.from || t.hole.reason == media.GapStart && to-t.hole.from < startTolerance
}

// closeHole declares the open hole, if there is one, as ending at to.
func (t *trackRecorder) closeHole(to time.Duration) {
	if !t.hole.open {
		return
	}
	if t.hole.reason == media.GapStart && !t.info.Offered.IsZero() {
		// The rest was not sent.
		to = min(to, max(t.hole.from, t.run.clock.at(t.info.Offered)))
	}
	h, untold := t.hole, t.isNone(to)
	t.hole = hole{}
	if untold {
		return
	}
	// What was muted was not published.
	for _, m := range t.inbox.muted.within(h.from, to, unmuteSlack) {
		t.declareApart(h.from, m.from, h.reason)
		h.from = m.to
	}
	t.declareApart(h.from, to, h.reason)
}

func (t *trackRecorder) declare(from, to time.Duration, reason string) {
	if to <= from {
		return
	}
	t.send(item{event: &media.Event{
		Time: from, Type: media.EventGap, Participant: t.info.Participant,
		Track: t.media.UID, From: from, To: to, Reason: t.run.away.reason(from, to, reason),
	}})
}
