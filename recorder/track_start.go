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
		victim.source.track.(Postponer).Postpone()
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
			r.roomClock.forget(t.timing.clock)
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
		ts.turnAway(victim.source.track, at)
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
	came := r.enterSlot(t, s)
	t.begin(came, at)
	e := media.Event{Time: at, Type: media.EventTrack, Participant: info.Participant, Name: info.Name, Track: t.uid, Text: came.media.Label()}
	if r.config.Keys != nil && !info.Encrypted && t.refuse == "" {
		e.Reason = media.TrackPlaintext
	}
	r.emit(e)
	if info.Source == media.Screen {
		r.emit(media.Event{Time: at, Type: media.EventScreen, Participant: info.Participant, Track: t.uid})
	}
	if came.unmuted {
		r.emit(media.Event{Time: at, Type: media.EventUnmute, Participant: info.Participant, Track: t.uid})
	}
	r.board.trackBegins(t)
	t.known.Store(true)
	r.reportMute(t, at)
}

// An arrival is what a slot knows of the track that comes into it.
type arrival struct {
	media   media.Track   // as the track before left it
	unmuted bool          // while nobody saw it
	missing string        // the reason of the hole before the track, "" for none
	from    time.Duration // its beginning
}

// enterSlot lets a track have its slot.
func (r *run) enterSlot(t *trackRecorder, s *slot) arrival {
	wanted, known := r.clock.at(t.info.Wanted), !t.info.Wanted.IsZero()
	ts := r.tracks
	ts.mu.Lock()
	defer ts.mu.Unlock()
	s.track, s.next = t.source.track, false
	a := arrival{media: s.media, unmuted: s.muted && known}
	declared, waited := ts.takeWait(t.info.ID)
	if from, ok := s.missedSince(t.info, wanted); ok {
		// The recorder was away, not the sender: what it missed is a hole.
		a.missing, a.from = media.GapReconnect, from
	} else if known {
		a.missing, a.from = media.GapStart, max(declared, wanted)
	} else if waited {
		a.missing, a.from = media.GapStart, declared
	}
	s.muted = false
	return a
}

// begin opens the hole that is before a track, which comes at a time.
func (t *trackRecorder) begin(a arrival, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.media, t.source.began = a.media, at
	if a.missing == media.GapReconnect {
		t.holes.begin(a.from)
	}
	if a.missing != "" {
		t.holes.open(a.from, a.missing)
	}
}

// reportEnd tells that a track is over.
func (r *run) reportEnd(t *trackRecorder, s *slot) {
	e := media.Event{Time: t.holes.end, Type: media.EventTrackEnd, Participant: t.info.Participant, Track: s.media.UID}
	if t.info.Source == media.Screen {
		screen := e
		screen.Type = media.EventScreenEnd
		r.emit(screen)
	}
	r.emit(e)
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
