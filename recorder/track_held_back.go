package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// heldBackLag is how long after a server stopped to send a track it is certain that
// nothing more of it is on its way: longer than any packet is waited for.
const heldBackLag = 4 * time.Second

// openHeldBack opens the hole of what the server did not send before a frame at a
// time, if it said so.
func (h *trackHoles) openHeldBack(at time.Duration) {
	if h.begun && at-h.end > startTolerance && h.inbox.heldBack.touches(h.end, at) {
		h.open(h.end, media.HoleBandwidth)
	}
}

// extendHeldBack declares what the server has not sent until a time, and still does
// not. ended is set when nothing more comes.
func (h *trackHoles) extendHeldBack(until time.Duration, ended bool) {
	if !h.begun || !h.inbox.heldBack.on() || h.inbox.muted.on() || h.withholdReason(max(0, until)) != "" || until-h.end <= startTolerance {
		return
	}
	if ended {
		h.open(h.end, media.HoleBandwidth)
		h.end = until
	} else if until-h.end >= declareEvery {
		h.open(h.end, media.HoleBandwidth)
		h.extend(until)
	}
}

// declareApart declares a hole, and apart from what was lost what the server did not send.
func (h *trackHoles) declareApart(from, to time.Duration, reason string) {
	if reason == media.HoleLoss || reason == media.HoleKeyFrame {
		for _, s := range h.inbox.heldBack.within(from, to, 0) {
			h.declare(from, s.from, reason)
			h.declare(s.from, s.to, media.HoleBandwidth)
			from = s.to
		}
	}
	h.declare(from, to, reason)
}
