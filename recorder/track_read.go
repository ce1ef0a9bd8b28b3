package recorder

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	pliInterval = time.Second
	maxPackets  = 2048
	maxFaults   = 64 // of reading a track, before it ends
	// A track that is published reaches the recorder after a negotiation; so
	// much of its beginning is not counted as missing.
	startTolerance = 250 * time.Millisecond
	earlyPicture   = 100 * time.Millisecond
	tick           = 100 * time.Microsecond // two frames of a track are never closer
)

// A trackRecorder takes one track from packets to frames on the recording clock. One
// goroutine reads it.
type trackRecorder struct {
	// Set before the track is read, and not changed after.
	run      *run
	source   Track
	info     TrackInfo
	done     chan struct{} // closed at its end
	ring     *frame.Keyring
	outcomes *outcomeCounts // of its codec

	// Guarded by tracks.mu.
	number    uint64 // counts the tracks that came
	displaced bool   // it gives way to another one

	// Safe for concurrent use.
	inbox         trackInbox
	opening       openingResult
	known         atomic.Bool  // the timeline has it
	reportedMuted atomic.Bool  // the timeline says that it is muted
	syncError     atomic.Int64 // see Status.SyncError, in nanoseconds

	mu      sync.Mutex // held by who works on what follows: read, or expire in between
	media   media.Track
	ended   bool
	refuse  string // reason to keep nothing of this track
	clock   *trackClock
	playout playout
	asm     *frame.Assembler
	decrypt *frame.Decrypter // nil: the room is not encrypted
	pending pendingKeys
	keys    keyIndex

	joiner       media.VP9Joiner
	layers       []openLayer // of the VP9 picture under way
	reportedSize string      // of the picture, as the timeline has it; "" before there is one
	published    publishedSize

	next     time.Duration // the next frame is not before this
	hole     hole
	holes    bucket // what bounds how many are told; full at first, see holed
	holed    bool
	end      time.Duration // recording time up to which the track was kept or declared
	seen     bool          // a frame or a hole came before
	needKey  bool          // video: nothing is kept before the next key frame
	lastKey  time.Duration // when the last key frame was
	keyBytes int           // the size of the last key frame,
	sinceKey int           // and of it and all that came since
	lastPLI  time.Time
	forged   bool          // an unknown server-injected frame was declared
	sent     bool          // something came that the server did not make
	began    time.Duration // when the track came
	quiet    time.Duration // when the server last said that nothing is sent
}

// read reads the track to its end. Errors of the room end the track like io.EOF.
func (t *trackRecorder) read() error {
	t.contain(func() {
		if t.refuse == "" && !t.info.Codec.Audio() {
			t.needKey = true
			t.askKey()
		}
	})
	var failure error
	for faults := 0; ; {
		var p Packet
		var err error
		if broken := fault.Contain(func() { p, err = t.source.Read() }); broken != nil {
			// The room could not cope with a packet; the next may do no harm.
			if faults++; faults < maxFaults {
				t.contain(func() { t.breakOff(broken) })
				continue
			}
			err = broken
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				failure = err
			}
			break
		}
		if t.run.over.Load() {
			break
		}
		t.contain(func() { t.packet(p) })
	}
	t.contain(func() {
		t.ended = true
		if t.refuse == "" {
			t.asm.Flush()
			t.drain(time.Now(), true)
			t.flushPending()
			t.picture()
			t.extendBandwidthHole(t.run.clock.now())
		}
	})
	t.contain(func() {
		t.closeHole(t.end)
		t.declareSilent()
	})
	return failure
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
	if t.refuse == media.GapFault {
		return
	}
	t.run.log.Error("a track is not recorded any more", "track", t.media.UID, "err", err)
	if len(t.pending.units) > 0 {
		t.run.pendingShares.leave(t.info.Participant)
	}
	t.playout.leaveShare()
	t.refuse, t.asm, t.pending, t.layers, t.playout = media.GapFault, nil, pendingKeys{}, nil, t.newPlayout()
	if !t.seen {
		t.seen, t.end = true, max(0, t.run.clock.now())
	}
	_ = fault.Contain(func() { t.closeHole(t.end) }) // it was logged
	t.hole = hole{open: true, from: t.end, reason: media.GapFault}
}

// declareSilent notes that nothing was sent on the track, which was not muted, for as
// long as it was there.
func (t *trackRecorder) declareSilent() {
	if t.sent || t.seen || t.inbox.muted.on() || t.quiet-t.began < startTolerance {
		return
	}
	t.end = t.quiet
	t.send(item{event: &media.Event{Time: t.began, Type: media.EventSilent, Participant: t.info.Participant,
		Track: t.media.UID, Text: t.media.Label(), From: t.began, To: t.quiet}})
}

func (t *trackRecorder) packet(p Packet) {
	if t.refuse != "" {
		t.packetRefused(p)
		return
	}
	for _, r := range p.Reports {
		t.clock.report(r)
	}
	if len(p.Reports) > 0 && t.playout.begun {
		t.syncError.Store(int64(t.clock.offsetError()))
	}
	t.asm.Push(p.RTP, p.Arrival)
	t.drain(p.Arrival, false)
}

// expire hands on what waits too long for a missing packet, or for a second
// frame, where no packet comes after it: a mute, or a pause of who speaks. It is
// called from another goroutine than run's, every few moments.
func (t *trackRecorder) expire(now time.Time) {
	if !t.mu.TryLock() {
		return // run is at it
	}
	defer t.mu.Unlock()
	if t.ended || t.refuse != "" {
		return
	}
	if err := fault.Contain(func() {
		t.drain(now, false)
		t.extendBandwidthHole(t.run.clock.at(now) - bandwidthLag)
	}); err != nil {
		t.breakOff(err)
	}
}

// drain hands on what is ready or, at the track's end, all that is left.
func (t *trackRecorder) drain(now time.Time, all bool) {
	for {
		u, ok := t.asm.Pop(now)
		if !ok {
			break
		}
		switch {
		case u.Kind == frame.UnitFrame:
			t.sent = true
		case u.Kind == frame.UnitSIF && u.Known:
			t.waitsForSender(u.Arrival)
		}
		t.playout.push(u)
	}
	for {
		u, at, ok := t.playout.pop(t.run.clock.at(now), all)
		if !ok {
			break
		}
		t.offer(u, at)
	}
	t.releasePending(now)
}

// newPlayout returns a playout that holds nothing.
func (t *trackRecorder) newPlayout() playout {
	return playout{clock: t.clock, onJump: t.jumped, shares: &t.run.playoutShares, participant: t.info.Participant}
}

// jumped declares that the sender's time stamps jumped.
func (t *trackRecorder) jumped(j jump) {
	e := media.Event{Time: max(0, j.at), Type: media.EventClock, Participant: t.info.Participant, Track: t.media.UID,
		Reason: media.ClockJump, Text: j.by.Round(time.Millisecond).String()}
	if j.once {
		e.Reason = media.ClockOnce
	}
	if t.run.activity.allows(e, t.run.clock.now()) {
		t.send(item{event: &e})
	}
}

// take takes a unit, and of a frame what became of opening it.
func (t *trackRecorder) take(u frame.Unit, at time.Duration, data []byte, outcome Outcome) {
	switch u.Kind {
	case frame.UnitSIF:
		t.outcomes.add(Injected)
		// The server's own silence or black picture: never media, no hole.
		// Whoever knows the trailer, and everyone in the room does, can put it
		// on something else.
		if u.Known {
			t.endHoleAtSIF(at)
		}
		if !u.Known && !t.forged {
			t.forged = true
			t.send(item{event: &media.Event{Time: t.end, Type: media.EventIntegrity, Participant: t.info.Participant,
				Track: t.media.UID, Reason: "unknown server-injected frame"}})
		}
	case frame.UnitLost:
		t.layers = t.layers[:0] // of a picture that misses some
		t.run.board.counts.lost.Add(int64(max(1, u.Lost)))
		t.openHole(t.end, media.GapLoss)
		t.wantKey()
	case frame.UnitFrame:
		if t.info.Codec == media.VP9 {
			t.layer(openLayer{u, at, data, outcome})
		} else {
			t.frame(u, at, data, outcome)
		}
	}
}

// endHoleAtSIF takes the server's word that its own frame stands where the sender's
// media ended: a hole before it does not last as long as the mute.
func (t *trackRecorder) endHoleAtSIF(at time.Duration) {
	if t.hole.open && t.seen && at > t.hole.from && t.mayClose(at) {
		t.end = max(t.end, at)
		t.closeHole(at)
	}
}

// waitsForSender takes the server's own frame for what it says: that the way is
// there, and the sender has not begun.
func (t *trackRecorder) waitsForSender(arrival time.Time) {
	t.quiet = t.run.clock.at(arrival)
	if !t.sent && t.hole.open && t.hole.reason == media.GapStart {
		t.closeHole(t.run.clock.at(arrival))
	}
}

// packetRefused declares what a track that is not recorded sent.
func (t *trackRecorder) packetRefused(p Packet) {
	if len(p.RTP.Payload) == 0 {
		return // padding
	}
	if len(t.info.SIFTrailer) > 0 && bytes.HasSuffix(p.RTP.Payload, t.info.SIFTrailer) {
		t.waitsForSender(p.Arrival)
		return
	}
	t.sent = true
	at := max(0, t.run.clock.at(p.Arrival))
	if !t.seen {
		t.seen, t.end = true, at
	}
	t.run.board.counts.failed.Add(1)
	t.outcomes.add(Refused)
	t.opening.failed(p.Arrival, t.refuse, nil)
	t.openHole(t.end, t.refuse)
	t.extendHole(at)
}

// frame takes a frame that belongs at a time, with what became of opening it.
func (t *trackRecorder) frame(u frame.Unit, at time.Duration, data []byte, outcome Outcome) {
	if at < 0 {
		// Captured before the recording began. A picture of that moment may be
		// the key frame that the next ones need, and is put at the beginning.
		if t.info.Codec.Audio() || at < -earlyPicture {
			t.outcomes.add(Early)
			return
		}
	}
	at = max(at, t.next)
	t.next = at + tick
	if !t.seen {
		t.seen, t.end = true, at
	}
	if why := t.withholdReason(max(0, min(at, t.run.clock.at(u.Arrival)))); why != "" {
		if why == media.GapPaused {
			t.outcomes.add(Paused)
		} else {
			t.outcomes.add(NotPermitted)
		}
		t.extendWithheld(at, why)
		return
	}
	if !t.endWithheld(at) {
		t.outcomes.add(Crowded)
		t.extendHole(at)
		return
	}
	t.openBandwidthHole(at)
	key := u.Key
	if outcome == Kept {
		fits := len(data) <= media.MaxFrame
		if fits && !t.info.Codec.Audio() {
			key, fits = t.describe(data, at)
		}
		if !fits {
			outcome = Unfit
		}
	}
	switch outcome {
	case Kept:
	case Empty, Replayed:
		t.outcomes.add(outcome)
		return // a sender can make such frames, and a container has none
	default:
		t.outcomes.add(outcome)
		if outcome != Unfit {
			t.run.board.counts.failed.Add(1)
		}
		t.openHole(min(at, t.end), string(outcome))
		t.wantKey()
		t.extendHole(at)
		return
	}
	if t.inbox.take(mediaDropped) {
		t.wantKey()
	}
	if t.inbox.has(keyFrameWanted) && (t.info.Codec.Audio() || t.askKey()) {
		t.inbox.take(keyFrameWanted)
	}
	if t.inbox.take(segmentEnding) {
		t.segmentEnds(at)
	}
	if t.needKey && !key {
		t.outcomes.add(KeyFrame)
		t.openHole(min(at, t.end), media.GapKeyFrame)
		t.wantKey()
		t.extendHole(at)
		return
	}
	if !t.mayClose(at) {
		t.outcomes.add(Crowded)
		t.wantKey()
		t.extendHole(at)
		return
	}
	t.needKey = false
	t.closeHole(at)
	t.reportKeyIndex(u.Data, at)
	f := &media.Frame{Track: t.media.UID, Time: at, Key: key, Data: data}
	if t.info.Codec.Audio() {
		f.Duration = media.OpusDuration(data)
		t.media.Channels = max(t.media.Channels, media.OpusChannels(data))
	} else if key {
		t.lastKey = at
	} else if t.run.config.KeyFrames > 0 && at-t.lastKey >= t.run.config.KeyFrames {
		t.askKey()
	}
	t.countBytes(f)
	t.end = max(t.end, at+f.Duration)
	t.run.board.counts.frames.Add(1)
	t.outcomes.add(Kept)
	t.run.board.counts.bytes.Add(int64(len(data)))
	t.send(item{track: t.media, frame: f})
}

// wantKey asks for a key frame, at most once a second, when the codec needs one.
func (t *trackRecorder) wantKey() {
	if t.info.Codec.Audio() {
		return
	}
	t.needKey = true
	t.askKey()
}

// askKey asks for a key frame, unless that was done within the last second.
func (t *trackRecorder) askKey() (asked bool) {
	now := time.Now()
	if now.Sub(t.lastPLI) < pliInterval {
		return false
	}
	t.lastPLI = now
	t.source.RequestKeyFrame()
	return true
}

// send hands an item to the one who writes and waits while the queue is full; the
// room's own receive buffers then overflow and the loss is declared as any other.
func (t *trackRecorder) send(i item) { t.run.queue.put(i) }
