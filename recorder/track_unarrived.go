package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Waiter is a Room that can tell which tracks it has asked its server for
// without getting a packet. Without it, a track that never comes leaves no trace.
type Waiter interface {
	// Waiting returns those that are not muted: at least ID, Participant, Source
	// and Wanted of each, and Offered once the server is ready. It may be asked at any time by any goroutine.
	Waiting() []TrackInfo
}

const (
	unarrivedEvery = 2               // sweeps between two looks at what is waited for
	arrivalTime    = 3 * time.Second // a track that came is known to the recorder after that
	maxUnarrived   = 2 * MaxTracks   // tracks waited for that are kept count of
)

// An unarrivedTrack is a track that was asked for and has not come.
type unarrivedTrack struct {
	participant string
	from, seen  time.Duration // missing and not declared yet; last known to be
	label       string        // of the track
	asked       time.Duration // for it
	lastSeen    time.Duration // last known not to have come
	offered     bool          // the server was ready: nothing is sent
}

// checkUnarrived notes which tracks are waited for now, and declares from time to time what
// they miss, and in the end that of those that were muted, taken back, or lost
// with the room. A track that comes after all declares the rest itself.
func (p *producers) checkUnarrived(now time.Duration) {
	room, ok := p.room.(Waiter)
	if !ok {
		return
	}
	over, silent := p.updateUnarrived(room.Waiting(), now)
	p.declareWaits(over, media.GapStart)
	p.declareUnsent(silent)
}

// updateUnarrived notes which tracks are waited for now, and returns what is to be declared
// missing, and which of them have sent nothing and are not waited for any more.
func (p *producers) updateUnarrived(waiting []TrackInfo, now time.Duration) (over, silent []unarrivedTrack) {
	shut := p.pause.keepsNothing()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, info := range waiting {
		if p.byID[info.ID] != nil {
			continue // it came this moment
		}
		w, known := p.unarrived[info.ID]
		if !known {
			if len(p.unarrived) >= maxUnarrived {
				continue
			}
			asked := max(0, p.watch.at(info.Wanted))
			w = &unarrivedTrack{participant: info.Participant, from: asked, asked: asked,
				label: media.Track{Participant: info.Participant, Name: info.Name, Source: info.Source}.Label()}
			p.unarrived[info.ID] = w
		}
		if shut {
			// What is sent during a pause is not missing.
			over = append(over, *w)
			w.from = now
		}
		w.lastSeen, w.seen = now, now
		if w.offered = !info.Offered.IsZero(); w.offered {
			w.seen = max(w.from, p.watch.at(info.Offered))
		}
	}
	for id, w := range p.unarrived {
		switch {
		case now-w.lastSeen > arrivalTime:
			over = append(over, *w)
			delete(p.unarrived, id)
			silent = append(silent, *w)
		case w.seen-w.from >= declareEvery:
			over = append(over, *w)
			w.from = w.seen
		}
	}
	return over, silent
}

// declareUnsent notes the tracks that never came because nothing was sent.
func (p *producers) declareUnsent(waits []unarrivedTrack) {
	for _, w := range waits {
		if w.offered && w.lastSeen-w.asked >= startTolerance {
			p.emit(media.Event{Time: w.asked, Type: media.EventSilent, Participant: w.participant,
				Text: w.label, From: w.asked, To: w.lastSeen})
		}
	}
}

// takeWait notes that a track has come, and returns until when it was declared
// missing, if it was waited for. p.mu is held.
func (p *producers) takeWait(id string) (from time.Duration, waited bool) {
	w := p.unarrived[id]
	if w == nil {
		return 0, false
	}
	delete(p.unarrived, id)
	return w.from, true
}

// declareUnarrived declares what was waited for in vain when the recording ended.
func (p *producers) declareUnarrived(now time.Duration) {
	p.checkUnarrived(now)
	var over []unarrivedTrack
	p.mu.Lock()
	for _, w := range p.unarrived {
		over = append(over, *w)
	}
	clear(p.unarrived)
	p.mu.Unlock()
	p.declareWaits(over, media.GapStart)
	p.declareUnsent(over)
	p.declareTurnedAway(now)
}

// declareWaits declares what participants miss of tracks that have not come.
func (p *producers) declareWaits(waits []unarrivedTrack, reason string) {
	for _, w := range waits {
		if w.seen-w.from >= startTolerance || w.seen > w.from && reason != media.GapStart {
			p.emit(media.Event{Time: w.from, Type: media.EventGap, Participant: w.participant,
				From: w.from, To: w.seen, Reason: reason})
		}
	}
}
