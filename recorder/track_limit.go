package recorder

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// maxTracks are recorded at once, half of what a segment can list.
	maxTracks = 256
	// maxOfOne of them are one participant's: more than any client publishes.
	maxOfOne   = 32
	retryEvery = 10 // sweeps between two looks at who found no room
	// maxTurned tracks of one participant that found no room are kept in mind.
	maxTurnedAway = 512
)

// A Postponer is a Track that its room can stop to receive, and receive later.
// Its methods may be called at any time by any goroutine, and do not block.
type Postponer interface {
	Track
	// Postpone stops to receive the track: its Read returns io.EOF soon.
	Postpone()
	// Published reports whether the track is still there to be received.
	Published() bool
	// Again asks the room for the track, which comes by another EventTrack.
	Again()
}

// A turnedAway are the tracks for which there was no room, by participant. What they
// send is missing, and declared; they are asked for again when there is room.
// Where the recorder is full, who has the most tracks gives way, so that nobody
// keeps others out by publishing many. It is guarded by producers.mu.
type turnedAway map[string]*turnedAwayTracks

// turnedAwayTracks are one participant's tracks that were turned away.
type turnedAwayTracks struct {
	tracks     []Postponer
	from, seen time.Duration // what is missing and not declared yet
}

// makeRoom reports whether a participant may have another track, and if that
// takes another's place, which of the tracks that are recorded has to go. p.mu is
// held.
func (p *producers) makeRoom(participant string) (victim *trackRecorder, ok bool) {
	if p.aliveOf[participant] >= maxOfOne {
		return nil, false
	}
	if p.alive < maxTracks {
		return nil, true
	}
	most := participant
	for who, n := range p.aliveOf {
		if n > p.aliveOf[most] {
			most = who
		}
	}
	if p.aliveOf[most] <= p.aliveOf[participant]+1 {
		return nil, false
	}
	for rec := range p.running { // the last to come
		_, can := rec.track.(Postponer)
		if can && rec.info.Participant == most && !rec.displaced && (victim == nil || rec.order > victim.order) {
			victim = rec
		}
	}
	return victim, victim != nil
}

// turnAway notes a track that is not recorded for want of room. p.mu is held.
func (p *producers) turnAway(t Postponer, at time.Duration) {
	who := t.Info().Participant
	c := p.turnedAway[who]
	if c == nil {
		c = &turnedAwayTracks{from: at}
		p.turnedAway[who] = c
	}
	c.seen = max(c.seen, at)
	if len(c.tracks) < maxTurnedAway {
		c.tracks = append(c.tracks, t)
	}
}

// unpublished returns which of the tracks that were turned away are not published any more.
// It asks the room, so p.mu is not held.
func (p *producers) unpublished() map[Postponer]bool {
	var tracks []Postponer
	p.mu.Lock()
	for _, c := range p.turnedAway {
		tracks = append(tracks, c.tracks...)
	}
	p.mu.Unlock()
	gone := make(map[Postponer]bool)
	for _, t := range tracks {
		published := false
		_ = p.contain("", func() { published = t.Published() })
		if !published {
			gone[t] = true
		}
	}
	return gone
}

// retryTurnedAway declares what those miss who were turned away, and asks for their tracks
// again where there is room.
func (p *producers) retryTurnedAway(now time.Duration) {
	over, again := p.updateTurnedAway(p.unpublished(), now)
	for _, t := range again {
		_ = p.contain("", t.Again)
	}
	p.declareWaits(over, media.GapTooMany)
}

// updateTurnedAway returns what those miss who were turned away, and which of their tracks
// there is room for now.
func (p *producers) updateTurnedAway(gone map[Postponer]bool, now time.Duration) (over []unarrivedTrack, again []Postponer) {
	shut := p.pause.keepsNothing()
	p.mu.Lock()
	defer p.mu.Unlock()
	room := maxTracks - p.alive
	for who, c := range p.turnedAway {
		c.tracks = slices.DeleteFunc(c.tracks, func(t Postponer) bool { return gone[t] })
		if shut { // what is sent during a pause is not missing
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = now
		}
		if len(c.tracks) > 0 {
			c.seen = now
		}
		for n := maxOfOne - p.aliveOf[who]; n > 0 && room > 0 && len(c.tracks) > 0; n-- {
			again = append(again, c.tracks[0])
			c.tracks = c.tracks[1:]
			room--
		}
		if len(c.tracks) == 0 || c.seen-c.from >= declareEvery {
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = c.seen
		}
		if len(c.tracks) == 0 {
			delete(p.turnedAway, who)
		}
	}
	return over, again
}

// declareTurnedAway declares what those missed who are still turned away at the end.
func (p *producers) declareTurnedAway(now time.Duration) {
	gone := p.unpublished()
	var over []unarrivedTrack
	p.mu.Lock()
	for who, c := range p.turnedAway {
		if slices.ContainsFunc(c.tracks, func(t Postponer) bool { return !gone[t] }) {
			c.seen = now
		}
		over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
	}
	clear(p.turnedAway)
	p.mu.Unlock()
	p.declareWaits(over, media.GapTooMany)
}
