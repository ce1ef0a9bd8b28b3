package recorder

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	maxMutes = 32 // kept of one track; holes are declared long before so many passed
	// Media that follows an unmute may come before the word of it.
	unmuteSlack = 500 * time.Millisecond
)

// A span is a time on the recording clock.
type span struct{ from, to time.Duration }

// A muteLog is when a track was muted lately, as the room told. It is safe for
// concurrent use; the zero value is a track that was not.
type muteLog struct {
	mu    sync.Mutex
	spans []span // in order; to is 0 while the last goes on
}

// set notes that the track is muted, or is not any more, since at. It reports
// whether that is news.
func (l *muteLog) set(muted bool, at time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.spans)
	if now := n > 0 && l.spans[n-1].to == 0; now == muted {
		return false
	}
	if !muted {
		l.spans[n-1].to = max(at, 1)
		return true
	}
	if n == maxMutes {
		l.spans = append(l.spans[:0], l.spans[1:]...)
	}
	l.spans = append(l.spans, span{from: at})
	return true
}

// touches reports whether the track was muted in a part of from to to.
func (l *muteLog) touches(from, to time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.spans {
		if s.from < to && (s.to == 0 || s.to > from) {
			return true
		}
	}
	return false
}

// within returns the parts of from to to in which the track was muted for sure: each
// ends so much earlier than the word of it.
func (l *muteLog) within(from, to, slack time.Duration) (out []span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.spans {
		if s.to == 0 || s.to > to {
			s.to = to
		}
		s.from, s.to = max(s.from, from), s.to-slack
		if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

// on reports whether the track is muted.
func (l *muteLog) on() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.spans)
	return n > 0 && l.spans[n-1].to == 0
}

// reportMute tells that a track is muted now, or is not. Where that is told too
// often, what holds in the end is told later, by sweer.
func (r *run) reportMute(t *trackRecorder, at time.Duration) {
	if !t.known.Load() {
		return // it has no place yet; whoever gives it one calls again
	}
	typ, on := media.EventUnmute, t.inbox.muted.on()
	if on {
		typ = media.EventMute
	}
	e := media.Event{Time: at, Type: typ, Participant: t.info.Participant, Track: t.uid}
	if t.reportedMuted.Load() == on || !r.activity.allows(e, at) {
		return
	}
	if t.reportedMuted.CompareAndSwap(!on, on) {
		r.emit(e)
	}
}
