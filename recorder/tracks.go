package recorder

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// sweepEvery is how often tracks are asked what they held for too long.
const sweepEvery = 100 * time.Millisecond

// maxRemembered bounds the media, and the members, counted apart, that are
// remembered after they are gone.
const maxRemembered = 4096

// producers are the goroutines that fill the queue: the one that accepts, and
// one for each track.
type producers struct {
	r      *Recorder
	room   Room
	watch  *recordingClock
	wall   roomClock
	done   chan struct{} // closed when the queue is not read any more
	tracks sync.WaitGroup
	over   atomic.Bool // the recording is over, though the room is not left yet

	mu         sync.Mutex
	slots      map[slotKey][]*slot
	byID       map[string]*trackRecorder
	uids       uint64
	slotCount  int // slots
	alive      int
	aliveOf    map[string]int // by participant
	orders     uint64
	turnedAway turnedAway
	// When members whose tracks were turned away were told of.
	reportedTurnedAway map[string]time.Duration
	late               memoryShares // of frames that wait for their keys
	early              memoryShares // and for their time
	running            map[*trackRecorder]bool
	unarrived          map[string]*unarrivedTrack // by track
	absence            roomAbsence
	last               time.Duration // when the last of the tracks that are over ended

	away awayLog

	roster    *Roster
	pause     cutoff
	emptyRoom emptyRoom
	activity  *activity
}

// A slot is one participant's medium for the whole recording: a track that is
// published again continues it.
type slot struct {
	media media.Track
	busy  bool
	track Track // that it is busy with
	next  bool  // another one waits to go on with it
	ended time.Duration
	done  chan struct{} // closed when it is free again
	freed time.Duration // when that was
	muted bool          // it ended so

	// While the recorder was away, see roomAbsence:
	away       bool
	lost, back time.Duration
}

type slotKey struct {
	participant string
	source      media.Source
	codec       media.Codec
}

// add starts to record a track.
func (p *producers) add(t Track, at time.Duration) {
	info := t.Info()
	rec, s, before, victim := p.place(t, info, at)
	if rec == nil {
		if postponer, can := t.(Postponer); can {
			postponer.Postpone()
		} else {
			p.declareUnrecorded(info.Participant, at, media.GapTooMany)
		}
		return
	}
	if victim != nil {
		victim.track.(Postponer).Postpone()
	}

	contain := func(f func()) { _ = p.contain(info.Participant, f) } // what fails is declared
	if before == nil {
		contain(func() { p.begin(rec, s, at) })
	}
	p.tracks.Go(func() {
		if before != nil {
			<-before
			contain(func() { p.begin(rec, s, max(at, s.ended)) })
		}
		contain(func() {
			if err := rec.run(); err != nil {
				p.r.c.Log.Warn("a track broke off", "track", s.media.UID, "err", err)
			}
		})
		// Before the slot is free: whoever takes it tells of a track that begins.
		rec.known.Store(false)
		contain(func() { p.reportEnd(rec, s) })
		contain(func() { p.finish(rec, s) })
		close(rec.done)
		contain(func() { p.r.notePicture(rec) })
		contain(func() { p.r.countTrack(rec, true) })
	})
}

// reportEnd tells that a track is over.
func (p *producers) reportEnd(rec *trackRecorder, s *slot) {
	e := media.Event{Time: rec.end, Type: media.EventTrackEnd, Participant: rec.info.Participant, Track: s.media.UID}
	if rec.info.Source == media.Screen {
		screen := e
		screen.Type = media.EventScreenEnd
		p.emit(screen)
	}
	p.emit(e)
}

// place finds a track its slot, and what comes before it there, and another track's
// place where there is no room; rec is nil where there is none at all.
func (p *producers) place(t Track, info TrackInfo, at time.Duration) (rec *trackRecorder, s *slot, before <-chan struct{}, victim *trackRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	victim, ok := p.makeRoom(info.Participant)
	if !ok {
		p.turnAway(t, at)
		return nil, nil, nil, nil
	}
	if victim != nil {
		victim.displaced = true
		p.turnAway(victim.track, at)
	}
	s, before = p.slot(info)
	rec = p.recorder(t, info, s)
	rec.done = make(chan struct{})
	s.done = rec.done
	p.orders++
	rec.order = p.orders
	p.alive++
	p.aliveOf[info.Participant]++
	p.byID[info.ID] = rec
	p.running[rec] = true
	return rec, s, before, victim
}

// begin tells of a track that goes on with its slot from now on, and declares what
// it misses.
func (p *producers) begin(rec *trackRecorder, s *slot, at time.Duration) {
	info := rec.info
	rec.began = at
	unmuted := p.enter(rec, s)
	e := media.Event{Time: at, Type: media.EventTrack, Participant: info.Participant, Name: info.Name, Track: s.media.UID, Text: s.media.Label()}
	if p.r.c.Keys != nil && !info.Encrypted && rec.refuse == "" {
		e.Reason = media.TrackPlaintext
	}
	p.emit(e)
	if info.Source == media.Screen {
		p.emit(media.Event{Time: at, Type: media.EventScreen, Participant: info.Participant, Track: s.media.UID})
	}
	if unmuted {
		p.emit(media.Event{Time: at, Type: media.EventUnmute, Participant: info.Participant, Track: s.media.UID})
	}
	p.r.countTrack(rec, false)
	rec.known.Store(true)
	p.reportMute(rec, at)
}

// enter lets a track have its slot, and opens the hole that is before it. It reports
// whether the track was unmuted while nobody saw it.
func (p *producers) enter(rec *trackRecorder, s *slot) (unmuted bool) {
	info := rec.info
	p.mu.Lock()
	defer p.mu.Unlock()
	s.track, s.next = rec.track, false
	unmuted = s.muted && !info.Wanted.IsZero()
	rec.media = s.media
	declared, waited := p.takeWait(info.ID)
	if from, ok := p.missedSince(s, info); ok {
		// The recorder was away, not the sender: what it missed is a hole.
		rec.seen, rec.end = true, from
		rec.openHole(from, media.GapReconnect)
	} else if !info.Wanted.IsZero() {
		rec.openHole(max(declared, p.watch.at(info.Wanted)), media.GapStart)
	} else if waited {
		rec.openHole(declared, media.GapStart)
	}
	s.muted = false
	return unmuted
}

// finish gives a track's slot back.
func (p *producers) finish(rec *trackRecorder, s *slot) {
	p.wall.forget(rec.clock)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy, s.ended, s.muted, s.track = s.next, rec.end, rec.muted.on(), nil
	s.freed, p.last = p.watch.now(), max(p.last, rec.end)
	s.media.Width, s.media.Height = rec.media.Width, rec.media.Height // what is published again may differ
	p.alive--
	if p.aliveOf[rec.info.Participant]--; p.aliveOf[rec.info.Participant] == 0 {
		delete(p.aliveOf, rec.info.Participant)
	}
	if p.byID[rec.info.ID] == rec {
		delete(p.byID, rec.info.ID)
	}
	delete(p.running, rec)
}

// slot finds or makes the slot for a track. Where it is not free yet, because the
// track before has just ended, before is closed when it is. p.mu is held.
func (p *producers) slot(info TrackInfo) (s *slot, before <-chan struct{}) {
	key := slotKey{info.Participant, info.Source, info.Codec}
	for _, s := range p.slots[key] {
		if !s.busy {
			s.busy = true
			return s, nil
		}
	}
	for _, s := range p.slots[key] {
		if e, ok := s.track.(Ender); ok && !s.next && e.Ended() {
			s.next = true
			return s, s.done
		}
	}
	if p.slotCount >= maxRemembered {
		p.forget()
	}
	p.uids++
	p.slotCount++
	s = &slot{busy: true, media: media.Track{
		UID: p.uids, Participant: info.Participant, Name: info.Name,
		Source: info.Source, Codec: info.Codec,
	}}
	p.slots[key] = append(p.slots[key], s)
	return s, nil
}

// forget lets go of the half of the slots that have been free for longest: what
// such a one was for begins a track of its own if it comes again. p.mu is held.
func (p *producers) forget() {
	var times []time.Duration
	for _, slots := range p.slots {
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
	for key, slots := range p.slots {
		slots = slices.DeleteFunc(slots, func(s *slot) bool { return !s.busy && s.freed <= until })
		p.slotCount -= len(p.slots[key]) - len(slots)
		if p.slots[key] = slots; len(slots) == 0 {
			delete(p.slots, key)
		}
	}
}

// recorder makes the trackRecorder of a track in slot s. p.mu is held.
func (p *producers) recorder(t Track, info TrackInfo, s *slot) *trackRecorder {
	rec := &trackRecorder{
		track: t, info: info, media: s.media, out: p.r.items, load: &p.r.load, shares: &p.late, stop: p.done, over: &p.over, pause: &p.pause, away: &p.away, activity: p.activity, log: p.r.c.Log, watch: p.watch,
		clock:  newTrackClock(p.watch, info.ClockRate, &p.wall),
		counts: &p.r.counts, outcomes: p.r.outcomesOf(info.Codec), keyEvery: p.r.c.KeyFrames,
	}
	rec.playout = rec.newPlayout(&p.early)
	rec.permission.set(p.denyReason(info.Participant, info.Encrypted), 0)
	switch {
	case !frame.Supported(info.Codec):
		rec.refuse = media.GapCodec
	case p.r.c.Keys != nil && !info.Encrypted && (info.SenderKind == "" || !slices.Contains(p.r.c.Plaintext, info.SenderKind)):
		rec.refuse = media.GapPlaintext
	case info.RED && (info.Encrypted || info.Codec != media.Opus):
		rec.refuse = media.GapCodec
	case info.Encrypted && !frame.EncryptionSupported(info.Codec):
		p.r.c.Log.Warn("LiveKit has no end-to-end encryption of this codec: use VP8, VP9 or H264", "codec", info.Codec)
		rec.refuse = media.GapCodec
	case p.r.c.Keys == nil && info.Encrypted:
		rec.refuse = media.GapNoKey
	default:
		rec.asm = frame.NewAssembler(frame.AssemblerConfig{
			Codec: info.Codec, Hold: p.r.c.Hold, MaxPackets: maxPackets, SIFTrailer: info.SIFTrailer, RED: info.RED,
		})
		if p.r.c.Keys != nil && info.Encrypted {
			rec.ring = p.r.c.Keys.Keyring(info.Participant)
			rec.decrypt = frame.NewDecrypter(info.Codec, rec.ring)
		}
	}
	if rec.refuse != "" {
		p.r.c.Log.Warn("a track is not recorded", "track", s.media.UID, "reason", rec.refuse)
	}
	return rec
}

// sweep lets go of what the tracks hold for too long, until the channel is closed.
func (p *producers) sweep(stop <-chan struct{}) {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	w := newUnopenedReporter(p)
	defer w.stop()
	var tracks []*trackRecorder
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-every.C:
		}
		if slept, ok := p.watch.checkSleep(); ok {
			p.declareSleep(slept)
		}
		if n%unarrivedEvery == 0 {
			_ = p.contain("", func() { p.checkUnarrived(p.watch.now()) })
		}
		if n%retryEvery == 0 {
			_ = p.contain("", func() { p.retryTurnedAway(p.watch.now()) })
		}
		p.mu.Lock()
		tracks = slices.AppendSeq(tracks[:0], maps.Keys(p.running))
		p.mu.Unlock()
		// A packet that came in time may still wait to be read.
		now := time.Now().Add(-sweepEvery)
		for _, rec := range tracks {
			rec.expire(now)
			if n%10 == 0 {
				_ = p.contain(rec.info.Participant, func() { p.reportMute(rec, p.watch.now()) })
			}
		}
		if n%unopenedEvery == 0 {
			_ = p.contain("", func() { w.check(tracks, time.Now()) })
		}
		clear(tracks)
		_ = p.contain("", func() { p.flushActivity(p.watch.now(), false) })
	}
}

// refresh makes every picture begin anew with a key frame.
func (p *producers) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for rec := range p.running {
		rec.refresh.Store(true)
	}
}

// askKeys asks for key frames, for readers who begin here. Others need none, so
// nothing is dropped.
func (p *producers) askKeys() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for rec := range p.running {
		rec.askNow.Store(true)
		rec.newReaders.Store(true)
	}
}

// endSegment tells the pictures that a segment is about to end.
func (p *producers) endSegment() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for rec := range p.running {
		rec.ends.Store(true)
	}
}
