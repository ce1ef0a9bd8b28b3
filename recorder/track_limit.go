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
	// maxTurnedAway bounds the tracks turned away that are remembered of one participant.
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

// turnedAway are the tracks for which there was no room, by participant. What they
// send is declared as missing; they are asked for again when there is room. When the
// recorder is full, a track of the participant with the most gives way, so that nobody
// keeps others out by publishing many. It is guarded by tracks.mu.
type turnedAway map[string]*turnedAwayTracks

// turnedAwayTracks are one participant's tracks that were turned away.
type turnedAwayTracks struct {
	name       string
	tracks     []Postponer
	others     int           // that cannot be received later
	from, seen time.Duration // what is missing and not declared yet
	looked     int           // how many there were at the last look
	reported   int           // how many were last reported
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
func (c *turnedAwayTracks) dueToReport() bool {
	n := len(c.tracks) + c.others
	settled := n == c.looked || n >= MaxTracksOfOne
	c.looked = n
	return settled && n > 0 && n >= 2*c.reported
}

// makeRoom reports whether a participant may have another track. victim is the track that
// has to end for it, if one has to. ts.mu is
// held.
func (ts *tracks) makeRoom(participant string) (victim *trackRecorder, ok bool) {
	if ts.of[participant] >= MaxTracksOfOne {
		return nil, false
	}
	if len(ts.running) < MaxTracks {
		return nil, true
	}
	most := participant
	for who, n := range ts.of {
		if n > ts.of[most] {
			most = who
		}
	}
	if ts.of[most] <= ts.of[participant]+1 {
		return nil, false
	}
	for t := range ts.running { // the one that came last
		_, can := t.source.track.(Postponer)
		if can && t.info.Participant == most && !t.displaced && (victim == nil || t.number > victim.number) {
			victim = t
		}
	}
	return victim, victim != nil
}

// turnAway notes a track that is not recorded for want of room. ts.mu is held.
func (ts *tracks) turnAway(t Track, at time.Duration) {
	info := t.Info()
	c := ts.turnedAway[info.Participant]
	if c == nil {
		c = &turnedAwayTracks{name: info.Name, from: at, seen: at}
		ts.turnedAway[info.Participant] = c
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
// It asks the room, so r.tracks.mu is not held.
func (r *run) unpublished() map[Postponer]bool {
	var tracks []Postponer
	r.tracks.mu.Lock()
	for _, c := range r.tracks.turnedAway {
		tracks = append(tracks, c.tracks...)
	}
	r.tracks.mu.Unlock()
	gone := make(map[Postponer]bool)
	for _, t := range tracks {
		published := false
		_ = r.contain("", func() { published = t.Published() })
		if !published {
			gone[t] = true
		}
	}
	return gone
}

// retryTurnedAway declares what tracks miss that were turned away, and asks for them again
// where there is room.
func (r *run) retryTurnedAway(now time.Duration) {
	over, again := r.updateTurnedAway(r.unpublished(), now)
	r.reportTurnedAway(now)
	for _, t := range again {
		_ = r.contain("", t.Again)
	}
	r.declareWaits(over, media.GapTooMany)
}

// reportTurnedAway reports members whose tracks are not all recorded to whoever runs the
// recorder: each member once in a while, not each track.
func (r *run) reportTurnedAway(now time.Duration) {
	var all, news []TurnedAway
	r.tracks.mu.Lock()
	for who, c := range r.tracks.turnedAway {
		t := TurnedAway{Participant: who, Name: c.name, Tracks: len(c.tracks) + c.others}
		if t.Tracks == 0 {
			continue
		}
		all = append(all, t)
		at, known := r.tracks.reportedTurnedAway[who]
		if known && now-at < reportAgain || !c.dueToReport() {
			continue
		}
		if len(r.tracks.reportedTurnedAway) >= maxRemembered {
			clear(r.tracks.reportedTurnedAway)
		}
		r.tracks.reportedTurnedAway[who], c.reported = now, t.Tracks
		news = append(news, t)
	}
	r.tracks.mu.Unlock()
	byTracks := func(a, b TurnedAway) int {
		return cmp.Or(cmp.Compare(b.Tracks, a.Tracks), strings.Compare(a.Participant, b.Participant))
	}
	slices.SortFunc(all, byTracks)
	slices.SortFunc(news, byTracks)
	r.board.setTurnedAway(all)
	for _, t := range news {
		r.log.Warn("too many tracks of one participant: not all are recorded", "not recorded", t.Tracks, "most of one", MaxTracksOfOne, "most of all", MaxTracks)
		r.log.Debug("too many tracks", "participant", t.Participant, "name", t.Name, "not recorded", t.Tracks)
		if r.config.TurnedAway != nil {
			r.config.TurnedAway(t)
		}
	}
}

// updateTurnedAway returns what participants miss whose tracks were turned away, and those
// tracks for which there is room now.
func (r *run) updateTurnedAway(gone map[Postponer]bool, now time.Duration) (over []unarrivedTrack, again []Postponer) {
	shut := r.pause.keepsNothing()
	r.tracks.mu.Lock()
	defer r.tracks.mu.Unlock()
	room := MaxTracks - len(r.tracks.running)
	for who, c := range r.tracks.turnedAway {
		c.tracks = slices.DeleteFunc(c.tracks, func(t Postponer) bool { return gone[t] })
		if shut { // what is sent during a pause is not missing
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = now
		}
		if len(c.tracks) > 0 {
			c.seen = now
		}
		for n := MaxTracksOfOne - r.tracks.of[who]; n > 0 && room > 0 && len(c.tracks) > 0; n-- {
			again = append(again, c.tracks[0])
			c.tracks = c.tracks[1:]
			room--
		}
		if len(c.tracks) == 0 || c.seen-c.from >= declareEvery {
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = c.seen
		}
		if len(c.tracks) == 0 && (c.others == 0 || c.reported > 0) {
			delete(r.tracks.turnedAway, who)
		}
	}
	return over, again
}

// declareTurnedAway declares, at the end of the recording, what tracks missed that are
// still turned away.
func (r *run) declareTurnedAway(now time.Duration) {
	gone := r.unpublished()
	var over []unarrivedTrack
	r.tracks.mu.Lock()
	for who, c := range r.tracks.turnedAway {
		if slices.ContainsFunc(c.tracks, func(t Postponer) bool { return !gone[t] }) {
			c.seen = now
		}
		over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
	}
	clear(r.tracks.turnedAway)
	r.tracks.mu.Unlock()
	r.declareWaits(over, media.GapTooMany)
}
