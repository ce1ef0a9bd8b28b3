package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// starveLag is how long after a server stopped to send a track it is certain that
// nothing more of it is on its way: longer than any packet is waited for.
const bandwidthLag = 4 * time.Second

// openBandwidthHole declares that the server did not send the track before its frame at a
// time, if it said so.
func (t *trackRecorder) openBandwidthHole(at time.Duration) {
	if t.seen && at-t.end > startTolerance && t.inbox.heldBack.touches(t.end, at) {
		t.openHole(t.end, media.GapBandwidth)
	}
}

// extendBandwidthHole declares what the server has not sent until a time, and still does not.
func (t *trackRecorder) extendBandwidthHole(until time.Duration) {
	if !t.seen || !t.inbox.heldBack.on() || t.inbox.muted.on() || t.withholdReason(max(0, until)) != "" || until-t.end <= startTolerance {
		return
	}
	if t.ended {
		t.openHole(t.end, media.GapBandwidth)
		t.end = until
	} else if until-t.end >= declareEvery {
		t.openHole(t.end, media.GapBandwidth)
		t.extendHole(until)
	}
}

// declareApart declares a hole, and apart from what was lost what the server did not send.
func (t *trackRecorder) declareApart(from, to time.Duration, reason string) {
	if reason == media.GapLoss || reason == media.GapKeyFrame {
		for _, s := range t.inbox.heldBack.within(from, to, 0) {
			t.declare(from, s.from, reason)
			t.declare(s.from, s.to, media.GapBandwidth)
			from = s.to
		}
	}
	t.declare(from, to, reason)
}
