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
	lookEvery = 2               // sweeps between two looks at what is waited for
	cameTime  = 3 * time.Second // a track that came is known to the recorder after that
	maxWaits  = 2 * maxTracks   // tracks waited for that are kept count of
)

// A wait is a track that was asked for and has not come.
type wait struct {
	participant string
	from, seen  time.Duration // missing and not declared yet; last known to be
	label       string        // of the track
	asked       time.Duration // for it
	known       time.Duration // last known not to have come
	offered     bool          // the server was ready: nothing is sent
}

// look notes which tracks are waited for now, and declares from time to time what
// they miss, and in the end that of those that were muted, taken back, or lost
// with the room. A track that comes after all declares the rest itself.
func (p *producers) look(now time.Duration) {
	room, ok := p.room.(Waiter)
	if !ok {
		return
	}
	over, silent := p.waitFor(room.Waiting(), now)
	p.declareWaits(over, media.GapStart)
	p.tellSilent(silent)
}

// waitFor notes which tracks are waited for now, and returns what is to be declared
// missing, and which of them have sent nothing and are not waited for any more.
func (p *producers) waitFor(waiting []TrackInfo, now time.Duration) (over, silent []wait) {
	shut := p.gate.isShut()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, info := range waiting {
		if p.byID[info.ID] != nil {
			continue // it came this moment
		}
		w, known := p.waits[info.ID]
		if !known {
			if len(p.waits) >= maxWaits {
				continue
			}
			asked := max(0, p.watch.at(info.Wanted))
			w = &wait{participant: info.Participant, from: asked, asked: asked,
				label: media.Track{Participant: info.Participant, Name: info.Name, Source: info.Source}.Label()}
			p.waits[info.ID] = w
		}
		if shut {
			// What is sent during a pause is not missing.
			over = append(over, *w)
			w.from = now
		}
		w.known, w.seen = now, now
		if w.offered = !info.Offered.IsZero(); w.offered {
			w.seen = max(w.from, p.watch.at(info.Offered))
		}
	}
	for id, w := range p.waits {
		switch {
		case now-w.known > cameTime:
			over = append(over, *w)
			delete(p.waits, id)
			silent = append(silent, *w)
		case w.seen-w.from >= declareEvery:
			over = append(over, *w)
			w.from = w.seen
		}
	}
	return over, silent
}

// tellSilent notes the tracks that never came because nothing was sent.
func (p *producers) tellSilent(waits []wait) {
	for _, w := range waits {
		if w.offered && w.known-w.asked >= startTolerance {
			p.emit(media.Event{Time: w.asked, Type: media.EventSilent, Participant: w.participant,
				Text: w.label, From: w.asked, To: w.known})
		}
	}
}

// came notes that a track has come, and returns until when it was declared
// missing, if it was waited for. p.mu is held.
func (p *producers) came(id string) (from time.Duration, waited bool) {
	w := p.waits[id]
	if w == nil {
		return 0, false
	}
	delete(p.waits, id)
	return w.from, true
}

// lookLast declares what was waited for in vain when the recording ended.
func (p *producers) lookLast(now time.Duration) {
	p.look(now)
	var over []wait
	p.mu.Lock()
	for _, w := range p.waits {
		over = append(over, *w)
	}
	clear(p.waits)
	p.mu.Unlock()
	p.declareWaits(over, media.GapStart)
	p.tellSilent(over)
	p.callLast(now)
}

// declareWaits declares what participants miss of tracks that have not come.
func (p *producers) declareWaits(waits []wait, reason string) {
	for _, w := range waits {
		if w.seen-w.from >= startTolerance || w.seen > w.from && reason != media.GapStart {
			p.emit(media.Event{Time: w.from, Type: media.EventGap, Participant: w.participant,
				From: w.from, To: w.seen, Reason: reason})
		}
	}
}
