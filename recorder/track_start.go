package recorder

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// addTrack starts to record a track that came at a time.
func (r *run) addTrack(source Track, at time.Duration) {
	info := source.Info()
	t, s, before, victim := r.place(source, info, at)
	if t == nil {
		if postponer, can := source.(Postponer); can {
			postponer.Postpone()
		} else {
			r.declareUnrecorded(info.Participant, at, media.GapTooMany)
		}
		return
	}
	if victim != nil {
		victim.source.(Postponer).Postpone()
	}

	contain := func(f func()) { _ = r.contain(info.Participant, f) } // what fails is declared
	if before == nil {
		contain(func() { r.beginTrack(t, s, at) })
	}
	r.reading.Go(func() {
		if before != nil {
			<-before
			contain(func() { r.beginTrack(t, s, max(at, s.ended)) })
		}
		contain(func() {
			if err := t.read(); err != nil {
				r.log.Warn("a track broke off", "track", s.media.UID, "err", err)
			}
		})
		// Before the slot is free: whoever takes it tells of a track that begins.
		t.known.Store(false)
		contain(func() { r.reportEnd(t, s) })
		contain(func() {
			r.roomClock.forget(t.clock)
			r.tracks.remove(t, s, r.clock.now())
		})
		close(t.done)
		contain(func() { r.board.notePicture(t) })
		contain(func() { r.board.trackEnds(t) })
	})
}

// place finds a track its slot, and what comes before it there, and another track's
// place where there is no room; t is nil where there is none at all.
func (r *run) place(source Track, info TrackInfo, at time.Duration) (t *trackRecorder, s *slot, before <-chan struct{}, victim *trackRecorder) {
	ts := r.tracks
	ts.mu.Lock()
	defer ts.mu.Unlock()
	victim, ok := ts.makeRoom(info.Participant)
	if !ok {
		ts.turnAway(source, at)
		return nil, nil, nil, nil
	}
	if victim != nil {
		victim.displaced = true
		ts.turnAway(victim.source, at)
	}
	s, before = ts.slot(info)
	// Under the lock: Reconsider finds the track, or it knows what Permission says now.
	t = r.newTrack(source, info, s.media)
	s.done = t.done
	ts.add(t)
	return t, s, before, victim
}

// beginTrack tells of a track that goes on with its slot from now on, and declares what
// it misses.
func (r *run) beginTrack(t *trackRecorder, s *slot, at time.Duration) {
	info := t.info
	t.began = at
	unmuted := r.enterSlot(t, s)
	e := media.Event{Time: at, Type: media.EventTrack, Participant: info.Participant, Name: info.Name, Track: s.media.UID, Text: s.media.Label()}
	if r.config.Keys != nil && !info.Encrypted && t.refuse == "" {
		e.Reason = media.TrackPlaintext
	}
	r.emit(e)
	if info.Source == media.Screen {
		r.emit(media.Event{Time: at, Type: media.EventScreen, Participant: info.Participant, Track: s.media.UID})
	}
	if unmuted {
		r.emit(media.Event{Time: at, Type: media.EventUnmute, Participant: info.Participant, Track: s.media.UID})
	}
	r.board.trackBegins(t)
	t.known.Store(true)
	r.reportMute(t, at)
}

// enterSlot lets a track have its slot, and opens the hole that is before it. It reports
// whether the track was unmuted while nobody saw it.
func (r *run) enterSlot(t *trackRecorder, s *slot) (unmuted bool) {
	info := t.info
	r.tracks.mu.Lock()
	defer r.tracks.mu.Unlock()
	s.track, s.next = t.source, false
	unmuted = s.muted && !info.Wanted.IsZero()
	t.media = s.media
	wanted := r.clock.at(info.Wanted)
	declared, waited := r.tracks.takeWait(info.ID)
	if from, ok := s.missedSince(info, wanted); ok {
		// The recorder was away, not the sender: what it missed is a hole.
		t.seen, t.end = true, from
		t.openHole(from, media.GapReconnect)
	} else if !info.Wanted.IsZero() {
		t.openHole(max(declared, wanted), media.GapStart)
	} else if waited {
		t.openHole(declared, media.GapStart)
	}
	s.muted = false
	return unmuted
}

// reportEnd tells that a track is over.
func (r *run) reportEnd(t *trackRecorder, s *slot) {
	e := media.Event{Time: t.end, Type: media.EventTrackEnd, Participant: t.info.Participant, Track: s.media.UID}
	if t.info.Source == media.Screen {
		screen := e
		screen.Type = media.EventScreenEnd
		r.emit(screen)
	}
	r.emit(e)
}

// newTrack makes what records a track, or declares that it is refused.
func (r *run) newTrack(source Track, info TrackInfo, m media.Track) *trackRecorder {
	t := &trackRecorder{
		run: r, source: source, info: info, media: m, done: make(chan struct{}),
		clock:    newTrackClock(r.clock, info.ClockRate, &r.roomClock),
		outcomes: r.board.outcomesOf(info.Codec),
	}
	t.playout = t.newPlayout()
	t.inbox.permission.set(r.denyReason(info.Participant, info.Encrypted), 0)
	if t.refuse = r.refuseReason(info); t.refuse != "" {
		r.log.Warn("a track is not recorded", "track", m.UID, "reason", t.refuse)
		return t
	}
	t.asm = frame.NewAssembler(frame.AssemblerConfig{
		Codec: info.Codec, Hold: r.config.Hold, MaxPackets: maxPackets, SIFTrailer: info.SIFTrailer, RED: info.RED,
	})
	if r.config.Keys != nil && info.Encrypted {
		t.ring = r.config.Keys.Keyring(info.Participant)
		t.decrypt = frame.NewDecrypter(info.Codec, t.ring)
	}
	return t
}

// refuseReason returns the reason to keep nothing of a track, "" to record it.
func (r *run) refuseReason(info TrackInfo) string {
	switch {
	case !frame.Supported(info.Codec):
		return media.GapCodec
	case r.config.Keys != nil && !info.Encrypted && (info.SenderKind == "" || !slices.Contains(r.config.Plaintext, info.SenderKind)):
		return media.GapPlaintext
	case info.RED && (info.Encrypted || info.Codec != media.Opus):
		return media.GapCodec
	case info.Encrypted && !frame.EncryptionSupported(info.Codec):
		r.log.Warn("LiveKit has no end-to-end encryption of this codec: use VP8, VP9 or H264", "codec", info.Codec)
		return media.GapCodec
	case r.config.Keys == nil && info.Encrypted:
		return media.GapNoKey
	}
	return ""
}
