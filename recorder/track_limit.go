package recorder

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// MaxTracks is how many tracks are recorded at once: half of what a segment can list.
	MaxTracks = 256
	// MaxTracksOfOne is how many tracks of one participant are recorded at once: more
	// than any client publishes.
	MaxTracksOfOne = 32
	// maxTurnedAway is how many turned-away tracks of one participant are remembered.
	maxTurnedAway = 512
)

// A Postponer is a Track that its room can stop receiving and receive again later. Its
// methods do not block. Any goroutine may call them at any time.
type Postponer interface {
	Track
	// Postpone stops receiving the track. Its Read returns io.EOF soon.
	Postpone()
	// Published reports whether the track is still published.
	Published() bool
	// Again asks the room for the track again. It then comes with a new EventTrack.
	Again()
}

// turnedAway are the tracks that found no place, by participant. Their media is declared
// as missing, and they are asked for again when there is a place. When all places are
// taken, a track of the participant with the most tracks gives way, so that nobody keeps
// others out by publishing many. It is guarded by tracks.mu.
type turnedAway map[string]*turnedAwayTracks

// turnedAwayTracks are one participant's tracks that were turned away.
type turnedAwayTracks struct {
	name       string
	tracks     []Postponer
	others     int           // tracks that cannot be received later
	from, seen time.Duration // span that is missing and not declared yet
	looked     int           // how many tracks there were at the last look
	reported   int           // how many tracks were last reported
}

// A TurnedAway is a member with tracks that are not recorded, because the member, or all
// members together, publish too many.
type TurnedAway struct {
	Participant, Name string
	// Tracks is how many of their tracks are not recorded. It counts some hundreds at
	// most.
	Tracks int
}

// dueToReport reports whether a member's tracks should be reported: when no more come or
// there are many, and later when there are twice as many.
func (c *turnedAwayTracks) dueToReport() bool {
	n := len(c.tracks) + c.others
	settled := n == c.looked || n >= MaxTracksOfOne
	c.looked = n
	return settled && n > 0 && n >= 2*c.reported
}

// makeRoom reports whether a participant may have another track. victim is the track that
// must end for it, if one must. The caller holds ts.mu.
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
	for t := range ts.running { // the newest of them
		_, can := t.source.track.(Postponer)
		if can && t.info.Participant == most && !t.displaced && (victim == nil || t.number > victim.number) {
			victim = t
		}
	}
	return victim, victim != nil
}

// turnAway notes a track that is not recorded because there is no place. The caller holds
// ts.mu.
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

// allTurnedAway returns the tracks that were turned away and can be received later.
func (ts *tracks) allTurnedAway() (all []Postponer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, c := range ts.turnedAway {
		all = append(all, c.tracks...)
	}
	return all
}

// unpublished returns which of the tracks that were turned away are not published any more.
func (r *run) unpublished() map[Postponer]bool {
	gone := make(map[Postponer]bool)
	for _, t := range r.tracks.allTurnedAway() {
		published := false
		_ = r.contain("", func() { published = t.Published() })
		if !published {
			gone[t] = true
		}
	}
	return gone
}

// retryTurnedAway declares what is missing of the turned-away tracks, and asks for those
// again for which there is a place now.
func (r *run) retryTurnedAway(now time.Duration) {
	over, again := r.tracks.updateTurnedAway(r.unpublished(), r.pause.keepsNothing(), now)
	r.reportTurnedAway(now)
	for _, t := range again {
		_ = r.contain("", t.Again)
	}
	r.declareWaits(over, media.HoleTooMany)
}

// newsOfTurnedAway returns all members with turned-away tracks, and those of them to
// report now. Those with the most tracks come first.
func (ts *tracks) newsOfTurnedAway(now time.Duration) (all, news []TurnedAway) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for who, c := range ts.turnedAway {
		t := TurnedAway{Participant: who, Name: c.name, Tracks: len(c.tracks) + c.others}
		if t.Tracks == 0 {
			continue
		}
		all = append(all, t)
		at, known := ts.reportedTurnedAway[who]
		if known && now-at < reportAgain || !c.dueToReport() {
			continue
		}
		if len(ts.reportedTurnedAway) >= maxRemembered {
			clear(ts.reportedTurnedAway)
		}
		ts.reportedTurnedAway[who], c.reported = now, t.Tracks
		news = append(news, t)
	}
	byTracks := func(a, b TurnedAway) int {
		return cmp.Or(cmp.Compare(b.Tracks, a.Tracks), strings.Compare(a.Participant, b.Participant))
	}
	slices.SortFunc(all, byTracks)
	slices.SortFunc(news, byTracks)
	return all, news
}

// reportTurnedAway reports members with turned-away tracks by Config.TurnedAway: each
// member at most once a minute.
func (r *run) reportTurnedAway(now time.Duration) {
	all, news := r.tracks.newsOfTurnedAway(now)
	r.board.setTurnedAway(all)
	for _, t := range news {
		r.log.Warn("too many tracks of one participant: not all are recorded", "not recorded", t.Tracks, "most of one", MaxTracksOfOne, "most of all", MaxTracks)
		r.log.Debug("too many tracks", "participant", t.Participant, "name", t.Name, "not recorded", t.Tracks)
		if r.config.TurnedAway != nil {
			r.config.TurnedAway(t)
		}
	}
}

// updateTurnedAway returns what is missing of the turned-away tracks, and the tracks for
// which there is a place now.
func (ts *tracks) updateTurnedAway(gone map[Postponer]bool, paused bool, now time.Duration) (over []unarrivedTrack, again []Postponer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	room := MaxTracks - len(ts.running)
	for who, c := range ts.turnedAway {
		c.tracks = slices.DeleteFunc(c.tracks, func(t Postponer) bool { return gone[t] })
		if paused { // media sent during a pause is not missing
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = now
		}
		if len(c.tracks) > 0 {
			c.seen = now
		}
		for n := MaxTracksOfOne - ts.of[who]; n > 0 && room > 0 && len(c.tracks) > 0; n-- {
			again = append(again, c.tracks[0])
			c.tracks = c.tracks[1:]
			room--
		}
		if len(c.tracks) == 0 || c.seen-c.from >= declareEvery {
			over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
			c.from = c.seen
		}
		if len(c.tracks) == 0 && (c.others == 0 || c.reported > 0) {
			delete(ts.turnedAway, who)
		}
	}
	return over, again
}

// takeTurnedAway returns what is missing of the tracks that are still turned away, and
// forgets them.
func (ts *tracks) takeTurnedAway(gone map[Postponer]bool, now time.Duration) (over []unarrivedTrack) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for who, c := range ts.turnedAway {
		if slices.ContainsFunc(c.tracks, func(t Postponer) bool { return !gone[t] }) {
			c.seen = now
		}
		over = append(over, unarrivedTrack{participant: who, from: c.from, seen: c.seen})
	}
	clear(ts.turnedAway)
	return over
}

// declareTurnedAway declares, at the end of the recording, what is missing of the tracks
// that are still turned away.
func (r *run) declareTurnedAway(now time.Duration) {
	r.declareWaits(r.tracks.takeTurnedAway(r.unpublished(), now), media.HoleTooMany)
}
