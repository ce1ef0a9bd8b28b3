package recorder

import (
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	maxMutes = 32 // kept of one track; holes are declared long before so many passed
	// unmuteSlack is how much earlier than the event of an unmute its media may come.
	unmuteSlack = 500 * time.Millisecond
)

// A span is a time on the recording clock.
type span struct{ from, to time.Duration }

// A muteLog has the last times in which a track was muted, by the events of the room. It
// is safe for concurrent use; the zero value is a track that was not muted.
type muteLog struct {
	mu    sync.Mutex
	spans []span // in order; to is 0 while the last goes on
}

// set notes that the track is muted since at, or unmuted. It reports whether that is a
// change.
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

// within returns the parts of from to to in which the track was muted. Each ends slack
// before its unmute, because media may come before that event.
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

// reportMute puts into the timeline whether a track is muted now. Changes that come too
// fast are left out; sweep reports the last of them.
func (t *trackRecorder) reportMute(at time.Duration) {
	if !t.known.Load() {
		return // its slot is not free yet; beginTrack calls again
	}
	typ, on := media.EventUnmute, t.inbox.muted.on()
	if on {
		typ = media.EventMute
	}
	e := media.Event{Time: at, Type: typ, Participant: t.info.Participant, Track: t.uid}
	if t.reportedMuted.Load() == on || !t.run.activity.allows(e, at) {
		return
	}
	if t.reportedMuted.CompareAndSwap(!on, on) {
		t.emit(e)
	}
}
