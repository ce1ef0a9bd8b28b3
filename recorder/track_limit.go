package recorder

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// MaxTracks are recorded at once, half of what a segment can list.
	MaxTracks = 256
	// MaxTracksOfOne of them are one participant's: more than any client publishes.
	MaxTracksOfOne = 32
	retryEvery     = 10 // sweeps between two looks at who found no room
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
	name       string
	tracks     []Postponer
	others     int           // that cannot be received later
	from, seen time.Duration // what is missing and not declared yet
	looked     int           // how many there were at the last look,
	told       int           // and when it was told of
}

// TurnedAway is a member some of whose tracks are not recorded, because they, or all
// together, publish too many.
type TurnedAway struct {
	Participant, Name string
	// Tracks are so many, as far as they are kept in mind: at most some hundreds.
	Tracks int
}

// tells reports whether it is time to speak of a member's tracks: when no more come,
// or there are many, and then when they are twice as many.
func (c *turnedAwayTracks) tells() bool {
	n := len(c.tracks) + c.others
	settled := n == c.looked || n >= MaxTracksOfOne
	c.looked = n
	return settled && n > 0 && n >= 2*c.told
}

// makeRoom reports whether a participant may have another track, and if that
// takes another's place, which of the tracks that are recorded has to go. p.mu is
// held.
func (p *producers) makeRoom(participant string) (victim *trackRecorder, ok bool) {
	if p.aliveOf[participant] >= MaxTracksOfOne {
		return nil, false
	}
	if p.alive < MaxTracks {
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
func (p *producers) turnAway(t Track, at time.Duration) {
	info := t.Info()
	c := p.turnedAway[info.Participant]
	if c == nil {
		c = &turnedAwayTracks{name: info.Name, from: at, seen: at}
		p.turnedAway[info.Participant] = c
	}
	postponer, can := t.(Postponer)
	switch {
	case !can:
		c.others++
		return
	case len(c.tracks) < maxTurnedAway:
		c.tracks = append(c.tracks, postponer)
	}
	c.seen = max(c.seen, at)
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
	p.reportTurnedAway(now)
	for _, t := range again {
		_ = p.contain("", t.Again)
	}
	p.declareWaits(over, media.GapTooMany)
}

// reportTurnedAway tells who runs the recorder of members whose tracks are not all
// recorded: of each once in a while, and not for each track.
func (p *producers) reportTurnedAway(now time.Duration) {
	var all, news []TurnedAway
	p.mu.Lock()
	for who, c := range p.turnedAway {
		t := TurnedAway{Participant: who, Name: c.name, Tracks: len(c.tracks) + c.others}
		if t.Tracks == 0 {
			continue
		}
		all = append(all, t)
		at, known := p.reportedTurnedAway[who]
		if known && now-at < reportAgain || !c.tells() {
			continue
		}
		if len(p.reportedTurnedAway) >= maxRemembered {
			clear(p.reportedTurnedAway)
		}
		p.reportedTurnedAway[who], c.told = now, t.Tracks
		news = append(news, t)
	}
	p.mu.Unlock()
	byTracks := func(a, b TurnedAway) int {
		return cmp.Or(cmp.Compare(b.Tracks, a.Tracks), strings.Compare(a.Participant, b.Participant))
	}
	slices.SortFunc(all, byTracks)
	slices.SortFunc(news, byTracks)
	p.r.setTurnedAway(all)
	for _, t := range news {
		p.r.c.Log.Warn("too many tracks of one participant: not all are recorded", "not recorded", t.Tracks, "most of one", MaxTracksOfOne, "most of all", MaxTracks)
		p.r.c.Log.Debug("too many tracks", "participant", t.Participant, "name", t.Name, "not recorded", t.Tracks)
		if p.r.c.TurnedAway != nil {
			p.r.c.TurnedAway(t)
		}
	}
}

// updateTurnedAway returns what those miss who were turned away, and which of their tracks
// there is room for now.
func (p *producers) updateTurnedAway(gone map[Postponer]bool, now time.Duration) (over []unarrivedTrack, again []Postponer) {
	shut := p.pause.keepsNothing()
	p.mu.Lock()
	defer p.mu.Unlock()
	room := MaxTracks - p.alive
	for who, c := range p.turnedAway {
		c.tracks = slices.DeleteFunc(c.tracks, func(t Postponer) bool { return gone[t] })
		if shut { // what is sent during a pause is not missing
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = now
		}
		if len(c.tracks) > 0 {
			c.seen = now
		}
		for n := MaxTracksOfOne - p.aliveOf[who]; n > 0 && room > 0 && len(c.tracks) > 0; n-- {
			again = append(again, c.tracks[0])
			c.tracks = c.tracks[1:]
			room--
		}
		if len(c.tracks) == 0 || c.seen-c.from >= declareEvery {
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = c.seen
		}
		if len(c.tracks) == 0 && (c.others == 0 || c.told > 0) {
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
