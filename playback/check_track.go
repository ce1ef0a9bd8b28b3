package playback

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// declaredWithin is how long after a frame its hole may be declared:
	// recorders declare long holes in pieces of some seconds.
	declaredWithin = 30 * time.Second
	// quietFrom is the shortest silence that counts. A muted or silent Opus
	// sender (DTX) sends a packet every 400 ms.
	quietFrom = time.Second
	// maxSpans is the most spans that are remembered of a track. No recorder
	// declares more holes within half a minute.
	maxSpans = 4096
	// touching is the precision of the times in the timeline.
	touching = time.Millisecond
	// loose is the precision of the edges of holes that the recorder timed.
	loose = time.Second
)

// A trackCheck follows one track through a recording.
type trackCheck struct {
	media.Track
	waiting []checkedFrame  // not checked yet, in the order of the file
	holes   []span          // declared, as long as they can matter
	away    []span          // muted or unpublished
	began   []time.Duration // when it was published again
	gone    time.Duration   // since when it is muted or unpublished; valid if isGone
	isGone  bool
	unknown bool // something before the next frame could not be read
	any     bool // a frame was checked already
	newest  time.Duration
	end     time.Duration // of the last frame checked
	segment int           // of that frame
	before  time.Duration // newest in the segments before that one
}

type checkedFrame struct {
	from, to time.Duration
	key      bool
	segment  int
}

// A span is a span of time. A hole's edges are exact, or timed by the recorder's
// own clock.
type span struct {
	from, to time.Duration
	exact    bool
}

func (t *trackCheck) event(e media.Event) {
	switch e.Type {
	case media.EventHole:
		// For a track that is published again, its hole begins when the recorder
		// asked for it.
		again := slices.ContainsFunc(t.began, func(at time.Duration) bool { return (at - e.From).Abs() <= loose })
		t.holes = last(append(t.holes, span{e.From, e.To, !again && exact(e.Reason)}))
	case media.EventMute, media.EventTrackEnd:
		if !t.isGone {
			t.isGone, t.gone = true, e.Time
		}
	case media.EventTrack:
		if t.any || len(t.waiting) > 0 {
			t.began = last(append(t.began, e.Time))
		}
		t.back(e.Time)
	case media.EventUnmute:
		t.back(e.Time)
	}
}

func (t *trackCheck) back(at time.Duration) {
	if t.isGone {
		t.isGone = false
		t.away = last(append(t.away, span{from: t.gone, to: at}))
	}
}

// last drops the older half of s if s is full.
func last[T any](s []T) []T {
	if len(s) > maxSpans {
		return slices.Delete(s, 0, len(s)/2)
	}
	return s
}

// exact reports whether a hole's edges are those of frames.
func exact(reason string) bool {
	switch reason {
	case media.HoleStart, media.HoleTooMany, media.HoleReconnect, media.HoleBandwidth, media.HoleSpool, media.HolePaused, media.HoleConsent, media.HoleUnverified:
		return false
	}
	return true
}

// check checks a frame against what is known of its track by now.
func (t *trackCheck) check(c *checker, f checkedFrame) {
	if t.segment != f.segment {
		t.segment, t.before = f.segment, t.newest
	}
	newest := t.newest
	if t.Reordered { // within a segment in the order in which they are decoded
		newest = t.before
	}
	if t.any && f.from < newest-reorderWindow {
		c.contradiction(ContradictionOrder, "track %d goes back from %v to %v", t.UID, newest, f.from)
	}
	after := false // the first frame after a hole
	for _, h := range t.holes {
		edge := touching
		if !h.exact {
			edge = loose
		}
		if h.from+edge < f.from && f.from < h.to-edge {
			c.contradiction(ContradictionHole, "track %d has a frame at %v, in the hole that is declared from %v to %v", t.UID, f.from, h.from, h.to)
		}
		after = after || h.exact && h.to-h.from > 2*touching && t.newest <= h.from+touching && h.to-touching <= f.from
	}
	if after && t.any && !t.unknown && !t.Codec.Audio() && !f.key {
		c.contradiction(ContradictionKeyFrame, "track %d goes on at %v, after a hole, without a key frame", t.UID, f.from)
	}
	if t.any && !t.unknown && t.Codec.Audio() {
		away := t.away
		if t.isGone {
			away = append(slices.Clone(away), span{from: t.gone, to: f.from})
		}
		if quiet := f.from - t.end - covered(t.end, f.from, t.holes, away); quiet >= quietFrom {
			c.Quiet++
			c.QuietTime += quiet
		}
	}
	t.any, t.unknown = true, false
	t.newest, t.end = max(t.newest, f.from), max(t.end, f.to)
	past := func(s span) bool { return s.to < t.newest-declaredWithin }
	t.holes = slices.DeleteFunc(t.holes, past)
	t.away = slices.DeleteFunc(t.away, past)
	t.began = slices.DeleteFunc(t.began, func(at time.Duration) bool { return at < t.newest-declaredWithin })
}

// covered returns how much of from..to the spans cover.
func covered(from, to time.Duration, spans ...[]span) (sum time.Duration) {
	all := slices.Concat(spans...)
	slices.SortFunc(all, func(a, b span) int { return int(a.from - b.from) })
	for _, s := range all {
		s.from, s.to = max(s.from, from), min(s.to, to)
		if s.to > s.from {
			sum += s.to - s.from
			from = s.to
		}
	}
	return sum
}
