package recorder

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// trackEndTime is how long the tracks of a lost room may take to end.
	trackEndTime = 5 * time.Second
	// returnTime is how long after the recorder a track may come back and still
	// be missing for the same reason. What comes later was not published before.
	returnTime = 20 * time.Second
)

// A roomAbsence is a time in which the recorder is not in the room, or not on one of its
// servers, and the slots that were recorded from there when it began. It is guarded by
// tracks.mu.
type roomAbsence struct {
	since time.Duration
	slots []*slot
}

// lost notes that a server of the room was lost at a time, with the slots that were recorded
// from there then. It reports false if it was lost already.
func (ts *tracks) lost(server string, at time.Duration) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if _, away := ts.absences[server]; away || len(ts.absences) > maxServers {
		return false
	}
	a := roomAbsence{since: at}
	for _, slots := range ts.slots {
		for _, s := range slots {
			if of(s.server, server) && (s.busy || s.freed >= at) { // the event may come after the tracks have ended
				a.slots = append(a.slots, s)
			}
		}
	}
	ts.absences[server] = a
	return true
}

// of reports whether what is of one server is of another or of the whole room, which is "".
func of(server, whole string) bool { return whole == "" || server == whole }

// takeAbsence returns the absence from a server, and ends it.
func (ts *tracks) takeAbsence(server string) roomAbsence {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	a := ts.absences[server]
	delete(ts.absences, server)
	return a
}

// takeAbsences returns all absences there are, and ends them.
func (ts *tracks) takeAbsences() []roomAbsence {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	all := slices.Collect(maps.Values(ts.absences))
	clear(ts.absences)
	return all
}

// resumed notes that the connection to a server was resumed after an absence. Tracks went
// on, but for those that ended with it.
func (ts *tracks) resumed(server string, since, to time.Duration) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, slots := range ts.slots {
		for _, s := range slots {
			if of(s.server, server) && !s.busy && s.freed >= since {
				s.away, s.lost, s.back = true, max(s.ended, since), to
			}
		}
	}
}

// miss notes that a free slot missed an absence. It returns from when on it did: to if
// it missed nothing.
func (ts *tracks) miss(s *slot, since, to time.Duration) (from time.Duration) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	from = s.ended
	s.away, s.lost, s.back = true, max(s.ended, since), to
	if s.muted {
		return to
	}
	s.ended = max(s.ended, to)
	return from
}

// roomLost notes that the room, or one of its servers, was lost at a time: its tracks are
// about to end.
func (r *run) roomLost(server string, at time.Duration) {
	if r.tracks.lost(server, at) {
		r.emit(media.Event{Time: at, Type: media.EventLost, From: at, To: at, Text: server})
	}
}

// roomBack notes that the recorder is in the room again. What was recorded before
// is missing until now, whether it comes back or not.
func (r *run) roomBack(e RoomEvent, at time.Duration) {
	r.declareAbsence(r.tracks.takeAbsence(e.Server), at)
	since := at
	if !e.Since.IsZero() {
		since = min(at, max(0, r.clock.at(e.Since)))
	}
	r.away.add(span{since, at}, media.HoleReconnect)
	r.emit(media.Event{Time: at, Type: media.EventReconnect, From: since, To: at, Reason: e.Reason, Text: e.Server})
	if e.Reason != media.ReconnectRejoin {
		r.tracks.resumed(e.Server, since, at)
	}
}

// declareAbsence declares what is missing of an absence that lasted until to.
func (r *run) declareAbsence(a roomAbsence, to time.Duration) {
	patience := time.NewTimer(trackEndTime)
	defer patience.Stop()
	for _, s := range a.slots {
		// New tracks continue the slots, so the old ones must have left them.
		select {
		case <-s.done:
		case <-patience.C:
			r.log.Warn("a track goes on although its room was lost", "track", s.media.UID)
			return
		}
		if from := r.tracks.miss(s, a.since, to); from < to {
			r.emit(media.Event{Time: from, Type: media.EventHole, Participant: s.media.Participant, Track: s.media.UID,
				From: from, To: to, Reason: media.HoleReconnect})
		}
	}
}

// missedSince returns the time since when a track that enters the slot again is missing
// because the recorder was away, if it is. wanted is when the room asked for it, if it
// did. tracks.mu is held.
func (s *slot) missedSince(info TrackInfo, wanted time.Duration) (from time.Duration, ok bool) {
	away := s.away
	s.away = false
	switch {
	case !away:
		return 0, false // it ended by itself
	case info.Wanted.IsZero():
		return 0, false // it is muted
	case wanted > s.back+returnTime:
		return 0, false // it was published later
	case s.muted:
		return s.lost, true // and was unmuted while nobody saw it
	}
	return s.ended, true
}

// maxAways bounds the absences that an awayLog keeps. Holes that are older are declared.
const maxAways = 16

// declareSleep notes that the machine slept, and declares that nobody was recorded then.
func (r *run) declareSleep(slept span) {
	r.log.Warn("the machine was asleep: nothing was recorded", "for", slept.to-slept.from)
	r.away.add(slept, media.HoleAsleep)
	r.emit(media.Event{Time: slept.from, Type: media.EventHole, From: slept.from, To: slept.to, Reason: media.HoleAsleep})
}

// An awayLog has the last times in which the recorder was away, and why. It is safe for
// concurrent use.
type awayLog struct {
	mu    sync.Mutex
	spans []awaySpan
}

type awaySpan struct {
	span
	reason string
}

func (l *awayLog) add(s span, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spans) == maxAways {
		l.spans = append(l.spans[:0], l.spans[1:]...)
	}
	l.spans = append(l.spans, awaySpan{s, reason})
}

// reason returns the reason of a hole. A loss that touches an absence has the reason of
// that.
func (l *awayLog) reason(from, to time.Duration, reason string) string {
	if reason != media.HoleLoss {
		return reason
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.spans {
		if from < s.to && to > s.from {
			return s.reason
		}
	}
	return reason
}
