package recorder

import (
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// maxRemembered is how many slots are remembered after their tracks have ended, and how
// many members after they have left.
const maxRemembered = 4096

// tracks are those that are being read, the slots that they continue, and those that are
// missing. They are one table under one lock, so that a track that comes, ends or gives
// way does so for all of these at once: none is both here and missing. It is safe for
// concurrent use.
type tracks struct {
	mu sync.Mutex // guards what follows, and what trackRecorder says it does

	running map[*trackRecorder]bool
	of      map[string]int            // how many tracks are being read, by participant
	byID    map[string]*trackRecorder // tracks that are being read, by their ID in the room
	started uint64                    // how many tracks have come
	last    time.Duration             // when the last track ended

	slots     map[slotKey][]*slot
	slotCount int
	uids      uint64 // given to slots

	unarrived          map[string]*unarrivedTrack // tracks that were asked for and have not come, by ID
	turnedAway         turnedAway                 // tracks that came and found no place
	reportedTurnedAway map[string]time.Duration   // when that was last reported, by participant
	absences           map[string]roomAbsence     // of the recorder from the room, by server; "" is all of it
}

func newTracks() *tracks {
	return &tracks{
		running: make(map[*trackRecorder]bool), of: make(map[string]int), byID: make(map[string]*trackRecorder),
		slots: make(map[slotKey][]*slot), unarrived: make(map[string]*unarrivedTrack), turnedAway: make(turnedAway),
		reportedTurnedAway: make(map[string]time.Duration), absences: make(map[string]roomAbsence),
	}
}

// each calls f with every track. No track begins or ends meanwhile.
func (ts *tracks) each(f func(*trackRecorder)) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for t := range ts.running {
		f(t)
	}
}

// post puts a message into the inbox of every track.
func (ts *tracks) post(m message) {
	ts.each(func(t *trackRecorder) { t.inbox.post(m) })
}

// find returns the track of an ID that is being read, or nil.
func (ts *tracks) find(id string) *trackRecorder {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.byID[id]
}

// all appends the tracks that are being read.
func (ts *tracks) all(to []*trackRecorder) []*trackRecorder {
	ts.each(func(t *trackRecorder) { to = append(to, t) })
	return to
}

// lastEnd returns when the last track ended.
func (ts *tracks) lastEnd() time.Duration {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.last
}

// place makes the recorder t of a track, and finds its slot s. If the slot is not free yet,
// before is closed when it is. If there are too many tracks, victim is the one that gives
// way. If there is no place at all, t is nil. place calls make under the lock. So either
// Reconsider finds the track, or the track asks Permission after Reconsider.
func (ts *tracks) place(source Track, info TrackInfo, at time.Duration, make func(media.Track) *trackRecorder) (t *trackRecorder, s *slot, before <-chan struct{}, victim *trackRecorder) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	victim, ok := ts.makeRoom(info.Participant)
	if !ok {
		ts.turnAway(source, at)
		return nil, nil, nil, nil
	}
	if victim != nil {
		victim.displaced = true
		ts.turnAway(victim.source.track, at)
	}
	s, before = ts.slot(info)
	t = make(s.media)
	s.done = t.done
	ts.started++
	t.number = ts.started
	ts.of[info.Participant]++
	ts.byID[info.ID] = t
	ts.running[t] = true
	return t, s, before, victim
}

// endOf returns until when the media of a slot was kept or declared, as its last track left it.
func (ts *tracks) endOf(s *slot) time.Duration {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return s.ended
}

// An arrival is what a slot knows about the track that enters it.
type arrival struct {
	media   media.Track   // as the track before left it
	unmuted bool          // while nobody saw it
	missing string        // the reason of the hole before the track; "": no hole
	from    time.Duration // the hole's beginning
}

// enter gives a slot to a track. wanted is when the room asked for the track, if it did.
func (ts *tracks) enter(t *trackRecorder, s *slot, wanted time.Duration) arrival {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	known := !t.info.Wanted.IsZero()
	s.track, s.next, s.server = t.source.track, false, t.info.Server
	a := arrival{media: s.media, unmuted: s.muted && known}
	declared, waited := ts.takeWait(t.info.ID)
	if from, ok := s.missedSince(t.info, wanted); ok {
		// The recorder was away, not the sender. What the recorder missed is a hole.
		a.missing, a.from = media.HoleReconnect, from
	} else if known {
		a.missing, a.from = media.HoleStart, max(declared, wanted)
	} else if waited {
		a.missing, a.from = media.HoleStart, declared
	}
	s.muted = false
	return a
}

// remove notes that a track has ended, and frees its slot.
func (ts *tracks) remove(t *trackRecorder, s *slot, at time.Duration) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	s.busy, s.ended, s.muted, s.track = s.next, t.holes.end, t.inbox.muted.on(), nil
	s.freed, ts.last = at, max(ts.last, t.holes.end)
	s.media.Width, s.media.Height = t.media.Width, t.media.Height // what is published again may differ
	if ts.of[t.info.Participant]--; ts.of[t.info.Participant] == 0 {
		delete(ts.of, t.info.Participant)
	}
	if ts.byID[t.info.ID] == t {
		delete(ts.byID, t.info.ID)
	}
	delete(ts.running, t)
}

// A slot is one source of a participant for the whole recording. A track that is published
// again continues it. It is guarded by tracks.mu. The UID and the participant of media do
// not change.
type slot struct {
	media media.Track

	busy   bool
	track  Track         // the track that has the slot
	server string        // of the track that has it or had it last
	next   bool          // another track waits to continue it
	done   chan struct{} // closed when the slot is free again

	freed time.Duration // when the slot was last freed
	ended time.Duration // until when its media was kept or declared then
	muted bool          // its last track ended muted

	// While the recorder was away, see roomAbsence.
	away       bool
	lost, back time.Duration
}

type slotKey struct {
	participant string
	source      media.Source
	codec       media.Codec
}

// slot finds or makes the slot for a track. If the track before has just ended and the slot
// is not free yet, before is closed when it is. The caller holds ts.mu.
func (ts *tracks) slot(info TrackInfo) (s *slot, before <-chan struct{}) {
	key := slotKey{info.Participant, info.Source, info.Codec}
	for _, s := range ts.slots[key] {
		if !s.busy {
			s.busy = true
			return s, nil
		}
	}
	for _, s := range ts.slots[key] {
		if e, ok := s.track.(Ender); ok && !s.next && e.Ended() {
			s.next = true
			return s, s.done
		}
	}
	if ts.slotCount >= maxRemembered {
		ts.forget()
	}
	ts.uids++
	ts.slotCount++
	s = &slot{busy: true, media: media.Track{
		UID: ts.uids, Participant: info.Participant, Name: info.Name,
		Source: info.Source, Codec: info.Codec,
	}}
	ts.slots[key] = append(ts.slots[key], s)
	return s, nil
}

// forget drops the older half of the free slots. If such a source is published again, it
// is a new track. The caller holds ts.mu.
func (ts *tracks) forget() {
	var times []time.Duration
	for _, slots := range ts.slots {
		for _, s := range slots {
			if !s.busy {
				times = append(times, s.freed)
			}
		}
	}
	if len(times) == 0 {
		return
	}
	slices.Sort(times)
	until := times[len(times)/2]
	for key, slots := range ts.slots {
		slots = slices.DeleteFunc(slots, func(s *slot) bool { return !s.busy && s.freed <= until })
		ts.slotCount -= len(ts.slots[key]) - len(slots)
		if ts.slots[key] = slots; len(slots) == 0 {
			delete(ts.slots, key)
		}
	}
}
