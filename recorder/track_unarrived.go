package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Waiter is a Room that knows which tracks it has asked its server for and has got no
// packet of. In other rooms, a track that never comes leaves no trace.
type Waiter interface {
	// Waiting returns those of these tracks that are not muted, each with at least ID,
	// Participant, Source and Wanted, and with Offered once the server is ready. Any
	// goroutine may call it at any time.
	Waiting() []TrackInfo
}

const (
	arrivalTime  = 3 * time.Second // a track that came is known to the recorder after that
	maxUnarrived = 2 * MaxTracks   // tracks waited for that are kept count of
)

// An unarrivedTrack is a track that was asked for and has not come.
type unarrivedTrack struct {
	participant string
	from, seen  time.Duration // missing from then to then, and not declared yet
	label       string        // of the track
	asked       time.Duration // for it
	lastSeen    time.Duration // last known not to have come
	offered     bool          // the server was ready: nothing is sent
}

// checkUnarrived notes which tracks are waited for now. It declares as missing, from time
// to time, what they did not send, and the rest when they are not waited for any more. A
// track that comes after all declares the rest itself.
func (r *run) checkUnarrived(now time.Duration) {
	room, ok := r.room.(Waiter)
	if !ok {
		return
	}
	over, silent := r.tracks.updateUnarrived(room.Waiting(), r.clock, r.pause.keepsNothing(), now)
	r.declareWaits(over, media.HoleStart)
	r.declareUnsent(silent)
}

// updateUnarrived notes which tracks are waited for now. It returns those of which
// something is to be declared missing, and those that are not waited for any more.
func (ts *tracks) updateUnarrived(waiting []TrackInfo, clock *recordingClock, paused bool, now time.Duration) (over, silent []unarrivedTrack) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, info := range waiting {
		if ts.byID[info.ID] != nil {
			continue // it has come
		}
		w, known := ts.unarrived[info.ID]
		if !known {
			if len(ts.unarrived) >= maxUnarrived {
				continue
			}
			asked := max(0, clock.at(info.Wanted))
			w = &unarrivedTrack{participant: info.Participant, from: asked, asked: asked,
				label: media.Track{Participant: info.Participant, Name: info.Name, Source: info.Source}.Label()}
			ts.unarrived[info.ID] = w
		}
		if paused {
			// What is sent during a pause is not missing.
			over = append(over, *w)
			w.from = now
		}
		w.lastSeen, w.seen = now, now
		if w.offered = !info.Offered.IsZero(); w.offered {
			w.seen = max(w.from, clock.at(info.Offered))
		}
	}
	for id, w := range ts.unarrived {
		switch {
		case now-w.lastSeen > arrivalTime:
			over = append(over, *w)
			delete(ts.unarrived, id)
			silent = append(silent, *w)
		case w.seen-w.from >= declareEvery:
			over = append(over, *w)
			w.from = w.seen
		}
	}
	return over, silent
}

// declareUnsent declares tracks silent that never came although the server was ready:
// nothing was sent on them.
func (r *run) declareUnsent(waits []unarrivedTrack) {
	for _, w := range waits {
		if w.offered && w.lastSeen-w.asked >= startTolerance {
			r.emit(media.Event{Time: w.asked, Type: media.EventSilent, Participant: w.participant,
				Text: w.label, From: w.asked, To: w.lastSeen})
		}
	}
}

// takeWait forgets that a track is waited for, because it has come, and returns until
// when it was declared missing, if it was waited for. ts.mu is held.
func (ts *tracks) takeWait(id string) (from time.Duration, waited bool) {
	w := ts.unarrived[id]
	if w == nil {
		return 0, false
	}
	delete(ts.unarrived, id)
	return w.from, true
}

// takeUnarrived returns all that are waited for, and forgets them.
func (ts *tracks) takeUnarrived() (all []unarrivedTrack) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, w := range ts.unarrived {
		all = append(all, *w)
	}
	clear(ts.unarrived)
	return all
}

// declareUnarrived declares, at the end of the recording, what has not come.
func (r *run) declareUnarrived(now time.Duration) {
	r.checkUnarrived(now)
	over := r.tracks.takeUnarrived()
	r.declareWaits(over, media.HoleStart)
	r.declareUnsent(over)
}

// declareWaits declares what participants miss of tracks that have not come.
func (r *run) declareWaits(waits []unarrivedTrack, reason string) {
	for _, w := range waits {
		if w.seen-w.from >= startTolerance || w.seen > w.from && reason != media.HoleStart {
			r.emit(media.Event{Time: w.from, Type: media.EventHole, Participant: w.participant,
				From: w.from, To: w.seen, Reason: reason})
		}
	}
}
