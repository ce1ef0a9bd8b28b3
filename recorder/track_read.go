package recorder

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	maxPackets = 2048
	maxFaults  = 64 // of reading a track, before it ends
	// A track that is published reaches the recorder after a negotiation; so
	// much of its beginning is not counted as missing.
	startTolerance = 250 * time.Millisecond
)

// A source is where a track comes from, and what its packets are joined to.
type source struct {
	track Track
	units *frame.Assembler // nil: nothing is kept
	sent  bool             // something came that the server did not make
	began time.Duration    // when the track came
	quiet time.Duration    // when the server last said that nothing is sent

	stamp   uint32    // of the last packet
	arrival time.Time // and when it came
}

// read reads the track to its end. Errors of the room end the track like io.EOF.
func (t *trackRecorder) read() error {
	t.contain(func() {
		if t.refused() == "" {
			t.keyFrames.need()
		}
	})
	var failure error
	for faults := 0; ; {
		var p Packet
		var err error
		if broken := fault.Contain(func() { p, err = t.source.track.Read() }); broken != nil {
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
		if t.refused() == "" {
			t.source.units.Flush()
			t.drain(time.Now(), true)
			t.decryption.flush()
			t.layers.join()
			t.holes.extendHeldBack(t.run.clock.now(), true)
		}
	})
	t.contain(func() {
		t.holes.close(t.holes.end)
		t.declareSilent()
	})
	return failure
}

// packet takes a packet through all parts.
func (t *trackRecorder) packet(p Packet) {
	if t.refused() != "" {
		t.refusedPacket(p)
		return
	}
	p.Arrival = t.arrived(p)
	for _, r := range p.Reports {
		t.timing.clock.report(r)
	}
	if len(p.Reports) > 0 && t.timing.begun {
		t.syncError.Store(int64(t.timing.clock.offsetError()))
	}
	t.source.units.Push(p.RTP, p.Arrival)
	t.drain(p.Arrival, false)
}

// expire hands on what waits too long for a missing packet, or for a second
// frame, where no packet comes after it: a mute, or a pause of who speaks. It is
// called by the goroutine that sweeps.
func (t *trackRecorder) expire(now time.Time) {
	if !t.mu.TryLock() {
		return // read is at it
	}
	defer t.mu.Unlock()
	if t.ended || t.refused() != "" {
		return
	}
	if err := fault.Contain(func() {
		t.drain(now, false)
		t.holes.extendHeldBack(t.run.clock.at(now)-heldBackLag, false)
	}); err != nil {
		t.breakOff(err)
	}
}

// drain hands on what is ready or, at the track's end, all that is left.
func (t *trackRecorder) drain(now time.Time, all bool) {
	for {
		u, ok := t.source.units.Pop(now)
		if !ok {
			break
		}
		switch {
		case u.Kind == frame.UnitFrame:
			t.source.sent = true
		case u.Kind == frame.UnitSIF && u.Known:
			t.senderIsQuiet(u.Arrival)
		}
		t.timing.push(u)
	}
	for {
		u, at, ok := t.timing.pop(t.run.clock.at(now), all)
		if !ok {
			break
		}
		t.decryption.offer(u, at)
	}
	t.decryption.release(now)
}

// senderIsQuiet takes the server's own frame for what it says: that the way is there,
// and the sender has not begun.
func (t *trackRecorder) senderIsQuiet(arrival time.Time) {
	t.source.quiet = t.run.clock.at(arrival)
	if !t.source.sent {
		t.holes.closeStart(t.source.quiet)
	}
}

// declareSilent notes that nothing was sent on the track, which was not muted, for as
// long as it was there.
func (t *trackRecorder) declareSilent() {
	s := &t.source
	if s.sent || t.holes.begun || t.inbox.muted.on() || s.quiet-s.began < startTolerance {
		return
	}
	t.holes.end = s.quiet
	t.emit(media.Event{Time: s.began, Type: media.EventSilent, Text: t.media.Label(), From: s.began, To: s.quiet})
}

// refusedPacket declares what a track that is not recorded sent.
func (t *trackRecorder) refusedPacket(p Packet) {
	if len(p.RTP.Payload) == 0 {
		return // padding
	}
	if len(t.info.SIFTrailer) > 0 && bytes.HasSuffix(p.RTP.Payload, t.info.SIFTrailer) {
		t.senderIsQuiet(p.Arrival)
		return
	}
	t.source.sent = true
	at := max(0, t.run.clock.at(p.Arrival))
	t.holes.begin(at)
	t.run.board.counts.failed.Add(1)
	t.outcomes.add(Refused)
	t.opening.failed(p.Arrival, t.refused(), nil)
	t.holes.open(t.holes.end, t.refused())
	t.holes.extend(at)
}
