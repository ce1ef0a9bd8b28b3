package recorder

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A trackRecorder takes one track from packets to frames on the recording clock. What
// comes goes through its parts in this order:
//
//	source      packets -> units: frames, losses, the server's own frames
//	timing      units -> units with the time at which they belong
//	decryption  frames -> frames that opened, once their key is here, or that failed
//	holes       what is not kept -> declared holes
//
// A picture passes two more before its frames are kept: layers, which joins those of
// VP9, and keyFrames, which lets none be kept before one that decodes by itself.
type trackRecorder struct {
	// Set before the track is read, and not changed after.
	run      *run
	info     TrackInfo
	uid      uint64
	refuse   string         // reason to keep nothing of it: then it has a source and holes only
	ring     *frame.Keyring // opens its frames; nil where they are not encrypted
	outcomes *outcomeCounts // of its codec
	done     chan struct{}  // closed when its slot is free

	// Guarded by tracks.mu.
	number    uint64 // counts the tracks that came
	displaced bool   // it gives way to another one

	// Safe for concurrent use: what others tell the track, and what it tells them.
	inbox         trackInbox
	opening       openingResult
	known         atomic.Bool  // the timeline has the track
	reportedMuted atomic.Bool  // the timeline says that it is muted
	syncError     atomic.Int64 // see Status.SyncError, in nanoseconds

	// mu is held by whoever works on the track: read, or expire in between. So units
	// go through all parts in order, and each part is used by one goroutine at a time.
	mu         sync.Mutex
	source     source
	timing     playout
	decryption decryption
	layers     layers
	keyFrames  keyFrames
	holes      trackHoles

	// Of what is kept. Guarded by mu as well.
	media          media.Track // as the next frame has it
	reportedSize   string      // of the picture, as the timeline has it; "" before there is one
	published      publishedSize
	keyIndex       keyIndex
	ended          bool // nothing more comes
	broken         bool // nothing more is kept, after a fault
	reportedForged bool // the timeline has an unknown server-injected frame
}

// newTrack makes what records a track. tracks.mu is held.
func newTrack(r *run, from Track, info TrackInfo, m media.Track) *trackRecorder {
	t := &trackRecorder{run: r, info: info, uid: m.UID, media: m, done: make(chan struct{}), outcomes: r.board.outcomesOf(info.Codec)}
	t.refuse = r.config.refuseReason(info)
	t.source.track = from
	t.inbox.permission.set(r.config.denyReason(info.Participant, info.Encrypted), 0)
	t.holes = trackHoles{info: &t.info, inbox: &t.inbox, clock: r.clock, pause: &r.pause, away: &r.away, emit: t.emit}
	t.timing.clock = newTrackClock(r.clock, info.ClockRate, r.roomClocks.of(info.Server))
	t.resetParts()
	if t.refuse != "" {
		r.log.Warn("a track is not recorded", "track", t.uid, "reason", t.refuse)
		return t
	}
	t.source.units = frame.NewAssembler(frame.AssemblerConfig{
		Codec: info.Codec, Hold: r.config.Hold, MaxPackets: maxPackets, SIFTrailer: info.SIFTrailer, RED: info.RED,
	})
	if !info.Codec.Audio() {
		t.keyFrames = keyFrames{request: from.RequestKeyFrame, every: r.config.KeyFrames}
	}
	if r.config.Keys != nil && info.Encrypted {
		t.ring = r.config.Keys.Keyring(info.Participant)
		t.decryption.ring, t.decryption.decrypter = t.ring, frame.NewDecrypter(info.Codec, t.ring)
		t.decryption.reports = newKeyReports(r.config.Keys, info.Participant)
	}
	return t
}

// resetParts makes the parts between source and holes, which hold nothing.
func (t *trackRecorder) resetParts() {
	r := t.run
	t.timing = playout{clock: t.timing.clock, onJump: t.reportJump, shares: &r.playoutShares, participant: t.info.Participant}
	t.decryption = decryption{
		info: &t.info, opening: &t.opening, counts: &r.board.counts, clock: r.clock, shares: &r.pendingShares,
		inbox: &t.inbox, keyFrames: &t.keyFrames, deliver: t.take,
		ring: t.ring, decrypter: t.decryption.decrypter, reports: t.decryption.reports,
	}
	t.layers = layers{deliver: t.keep}
}

// contain does a piece of the track's work. What goes wrong with it is the
// track's matter: others are recorded as before.
func (t *trackRecorder) contain(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := fault.Contain(f); err != nil {
		t.breakOff(err)
	}
}

// breakOff keeps nothing of the track from here on, after a fault, and declares
// that. t.mu is held.
func (t *trackRecorder) breakOff(err error) {
	if t.broken {
		return
	}
	t.broken = true
	t.run.log.Error("a track is not recorded any more", "track", t.uid, "err", err)
	t.source.units = nil
	t.decryption.leaveShare()
	t.timing.leaveShare()
	t.resetParts()
	t.holes.begin(max(0, t.run.clock.now()))
	_ = fault.Contain(func() { t.holes.close(t.holes.end) }) // it was logged
	t.holes.current = hole{open: true, from: t.holes.end, reason: media.HoleFault}
}

// refused is the reason to keep nothing of what comes now, "" to keep it.
func (t *trackRecorder) refused() string {
	if t.broken {
		return media.HoleFault
	}
	return t.refuse
}

// emit queues an event of the track.
func (t *trackRecorder) emit(e media.Event) {
	e.Participant, e.Track = t.info.Participant, t.uid
	t.run.queue.put(item{event: &e})
}

// reportJump tells that the sender's time stamps jumped.
func (t *trackRecorder) reportJump(j jump) {
	e := media.Event{Time: max(0, j.at), Type: media.EventClock, Participant: t.info.Participant, Track: t.uid,
		Reason: media.ClockJump, Text: j.by.Round(time.Millisecond).String()}
	if j.once {
		e.Reason = media.ClockOnce
	}
	if t.run.activity.allows(e, t.run.clock.now()) {
		t.emit(e)
	}
}
