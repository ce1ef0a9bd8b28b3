package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// earlyPicture is how long before the recording began a picture may have been captured
// that is kept.
const earlyPicture = 100 * time.Millisecond

// take takes a unit that decryption delivers and, of a frame, what became of opening
// it.
func (t *trackRecorder) take(u frame.Unit, at time.Duration, data []byte, outcome Outcome) {
	switch u.Kind {
	case frame.UnitSIF:
		t.outcomes.add(Injected)
		// The server's own silence or black picture: never media, no hole.
		// Whoever knows the trailer, and everyone in the room does, can put it
		// on something else.
		if u.Known {
			t.holes.closeAtSIF(at)
		} else if !t.reportedForged {
			t.reportedForged = true
			t.emit(media.Event{Time: t.holes.end, Type: media.EventIntegrity, Reason: "unknown server-injected frame"})
		}
	case frame.UnitLost:
		t.layers.drop() // of a picture that misses some
		t.run.board.counts.lost.Add(int64(max(1, u.Lost)))
		t.holes.open(t.holes.end, media.HoleLoss)
		t.keyFrames.need()
	case frame.UnitFrame:
		if t.info.Codec == media.VP9 {
			t.layers.add(layer{u, at, data, outcome})
		} else {
			t.keep(u, at, data, outcome)
		}
	}
}

// keep keeps a frame that belongs at a time, or declares that it is missing; outcome is
// what became of opening it.
func (t *trackRecorder) keep(u frame.Unit, at time.Duration, data []byte, outcome Outcome) {
	// Captured before the recording began. A picture of that moment may be the key
	// frame that the next ones need, and is put at the beginning.
	if at < 0 && (t.info.Codec.Audio() || at < -earlyPicture) {
		t.outcomes.add(Early)
		return
	}
	at = t.holes.place(at)
	if t.withhold(u, at) {
		return
	}
	t.holes.openHeldBack(at)
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
	if outcome != Kept {
		t.fail(u, at, outcome)
		return
	}
	t.readMessages(at)
	if t.keyFrames.needed && !key {
		t.outcomes.add(KeyFrame)
		t.miss(at, media.HoleKeyFrame)
		return
	}
	if !t.holes.mayClose(at) {
		t.outcomes.add(Crowded)
		t.keyFrames.need()
		t.holes.extend(at)
		return
	}
	t.holes.close(at)
	t.reportKeyIndex(u.Data, at)
	f := &media.Frame{Track: t.uid, Time: at, Key: key, Data: data}
	if t.info.Codec.Audio() {
		f.Duration = media.OpusDuration(data)
		t.media.Channels = max(t.media.Channels, media.OpusChannels(data))
	}
	t.keyFrames.kept(f)
	t.holes.end = max(t.holes.end, at+f.Duration)
	t.run.board.counts.frames.Add(1)
	t.outcomes.add(Kept)
	t.run.board.counts.bytes.Add(int64(len(data)))
	t.run.queue.put(item{track: t.media, frame: f})
}

// withhold reports whether a frame is not to be kept, whatever it holds, and declares that.
func (t *trackRecorder) withhold(u frame.Unit, at time.Duration) bool {
	if why := t.holes.withholdReason(max(0, min(at, t.run.clock.at(u.Arrival)))); why != "" {
		if why == media.HolePaused {
			t.outcomes.add(Paused)
		} else {
			t.outcomes.add(NotPermitted)
		}
		t.holes.extendWithheld(at, why)
		return true
	}
	over, may := t.holes.endWithheld(at)
	if !may {
		t.outcomes.add(Crowded)
		t.holes.extend(at)
		return true
	}
	if over {
		t.keyFrames.need()
	}
	return false
}

// fail counts a frame that came to something else than Kept, and declares it if it is
// missing.
func (t *trackRecorder) fail(u frame.Unit, at time.Duration, outcome Outcome) {
	t.outcomes.add(outcome)
	switch outcome {
	case Empty, Replayed:
		return // a sender can make such frames, and a container has none
	case Unfit:
	default:
		t.run.board.counts.failed.Add(1)
	}
	t.miss(at, t.decryption.reports.reason(outcome, u.Arrival))
}

// miss declares a frame that is missing for a reason.
func (t *trackRecorder) miss(at time.Duration, reason string) {
	t.holes.open(min(at, t.holes.end), reason)
	t.keyFrames.need()
	t.holes.extend(at)
}

// readMessages does what the inbox asks of a track before its next frame, which belongs
// at a time.
func (t *trackRecorder) readMessages(at time.Duration) {
	if t.inbox.take(mediaDropped) {
		t.keyFrames.need()
	}
	if t.inbox.has(keyFrameWanted) && t.keyFrames.ask() {
		t.inbox.take(keyFrameWanted)
	}
	if t.inbox.take(segmentEnding) {
		t.keyFrames.segmentEnds(at)
	}
}
