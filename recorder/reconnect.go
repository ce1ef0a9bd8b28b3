package recorder

import (
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

// A roomAbsence is a time in which the recorder is not in the room, and the slots that
// were recorded when it began. It belongs to the goroutine that accepts; the slots are guarded by tracks.mu.
type roomAbsence struct {
	away  bool
	since time.Duration
	slots []*slot
}

// roomLost notes that the room was lost at a time: its tracks are about to end.
func (r *run) roomLost(at time.Duration) {
	r.tracks.mu.Lock()
	if r.tracks.absence.away {
		r.tracks.mu.Unlock()
		return
	}
	r.tracks.absence = roomAbsence{away: true, since: at}
	for _, slots := range r.tracks.slots {
		for _, s := range slots {
			if s.busy || s.freed >= at { // the event may come after the tracks have ended
				r.tracks.absence.slots = append(r.tracks.absence.slots, s)
			}
		}
	}
	r.tracks.mu.Unlock()
	r.emit(media.Event{Time: at, Type: media.EventLost, From: at, To: at})
}

// roomBack notes that the recorder is in the room again. What was recorded before
// is missing until now, whether it comes back or not.
func (r *run) roomBack(e RoomEvent, at time.Duration) {
	r.declareAbsence(at)
	since := at
	if !e.Since.IsZero() {
		since = min(at, max(0, r.clock.at(e.Since)))
	}
	r.away.add(span{since, at}, media.GapReconnect)
	r.emit(media.Event{Time: at, Type: media.EventReconnect, From: since, To: at, Reason: e.Reason})
	if e.Reason == media.ReconnectRejoin {
		return
	}
	// The tracks go on, but for those that ended with the connection.
	r.tracks.mu.Lock()
	defer r.tracks.mu.Unlock()
	for _, slots := range r.tracks.slots {
		for _, s := range slots {
			if !s.busy && s.freed >= since {
				s.away, s.lost, s.back = true, max(s.ended, since), at
			}
		}
	}
}

// declareAbsence declares what is missing of an absence that lasted until to, if there
// is one, and ends it.
func (r *run) declareAbsence(to time.Duration) {
	r.tracks.mu.Lock()
	a := r.tracks.absence
	r.tracks.absence = roomAbsence{}
	r.tracks.mu.Unlock()
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
		r.tracks.mu.Lock()
		from := s.ended
		s.away, s.lost, s.back = true, max(s.ended, a.since), to
		if !s.muted {
			s.ended = max(s.ended, to)
		}
		silent := s.muted || from >= to
		r.tracks.mu.Unlock()
		if !silent {
			r.emit(media.Event{Time: from, Type: media.EventGap, Participant: s.media.Participant, Track: s.media.UID,
				From: from, To: to, Reason: media.GapReconnect})
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
	r.away.add(slept, media.GapAsleep)
	r.emit(media.Event{Time: slept.from, Type: media.EventGap, From: slept.from, To: slept.to, Reason: media.GapAsleep})
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
	if reason != media.GapLoss {
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
