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
	t, s, before, victim := r.tracks.place(source, info, at, func(m media.Track) *trackRecorder {
		return newTrack(r, source, info, m)
	})
	if t == nil {
		if postponer, can := source.(Postponer); can {
			postponer.Postpone()
		} else {
			r.declareUnrecorded(info.Participant, at, media.HoleTooMany)
		}
		return
	}
	if victim != nil {
		victim.source.track.(Postponer).Postpone()
	}

	contain := func(f func()) { _ = r.contain(info.Participant, f) } // what fails is declared
	if before == nil {
		contain(func() { t.begin(s, at) })
	}
	r.reading.Go(func() {
		if before != nil {
			<-before
			contain(func() { t.begin(s, max(at, r.tracks.endOf(s))) })
		}
		contain(func() {
			if err := t.read(); err != nil {
				r.log.Warn("a track broke off", "track", t.uid, "err", err)
			}
		})
		// Before the slot is free: whoever takes it tells of a track that begins.
		t.known.Store(false)
		contain(t.reportEnd)
		contain(func() {
			t.timing.clock.room.forget(t.timing.clock)
			r.tracks.remove(t, s, r.clock.now())
		})
		close(t.done)
		contain(func() { r.board.notePicture(t) })
		contain(func() { r.board.trackEnds(t) })
	})
}

// begin lets a track have its slot from a time on, and puts it into the timeline.
func (t *trackRecorder) begin(s *slot, at time.Duration) {
	a := t.run.tracks.enter(t, s, t.run.clock.at(t.info.Wanted))
	t.openFirstHole(a, at)
	e := media.Event{Time: at, Type: media.EventTrack, Name: t.info.Name, Text: a.media.Label()}
	if t.run.config.Keys != nil && !t.info.Encrypted && t.refuse == "" {
		e.Reason = media.TrackPlaintext
	}
	t.emit(e)
	if t.info.Source == media.Screen {
		t.emit(media.Event{Time: at, Type: media.EventScreen})
	}
	if a.unmuted {
		t.emit(media.Event{Time: at, Type: media.EventUnmute})
	}
	t.run.board.trackBegins(t)
	t.known.Store(true)
	t.reportMute(at)
}

// openFirstHole opens the hole that is before a track, which comes at a time.
func (t *trackRecorder) openFirstHole(a arrival, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.media, t.source.began = a.media, at
	if a.missing == media.HoleReconnect {
		t.holes.begin(a.from)
	}
	if a.missing != "" {
		t.holes.open(a.from, a.missing)
	}
}

// reportEnd puts the end of a track into the timeline.
func (t *trackRecorder) reportEnd() {
	if t.info.Source == media.Screen {
		t.emit(media.Event{Time: t.holes.end, Type: media.EventScreenEnd})
	}
	t.emit(media.Event{Time: t.holes.end, Type: media.EventTrackEnd})
}

// refuseReason returns the reason to keep nothing of a track, "" to record it.
func (c *Config) refuseReason(info TrackInfo) string {
	switch {
	case !frame.Supported(info.Codec):
		return media.HoleCodec
	case c.Keys != nil && !info.Encrypted && (info.SenderKind == "" || !slices.Contains(c.Plaintext, info.SenderKind)):
		return media.HolePlaintext
	case info.RED && (info.Encrypted || info.Codec != media.Opus):
		return media.HoleCodec
	case info.Encrypted && !frame.EncryptionSupported(info.Codec):
		c.Log.Warn("LiveKit has no end-to-end encryption of this codec: use VP8, VP9 or H264", "codec", info.Codec)
		return media.HoleCodec
	case c.Keys == nil && info.Encrypted:
		return media.HoleNoKey
	}
	return ""
}
