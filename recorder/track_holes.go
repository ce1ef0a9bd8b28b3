package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	holeBurst  = 500                    // holes of a track that are declared at once
	holeRefill = 40 * time.Millisecond  // after these, one in this time: every second packet of sound may be lost
	frameTick  = 100 * time.Microsecond // the least distance of two frames of a track
)

// trackHoles say up to when a track was kept or declared missing, and have the hole that
// is open there.
type trackHoles struct {
	// What decides about holes, and where they go. Set before the track is read.
	info  *TrackInfo
	inbox *trackInbox
	clock *recordingClock
	pause *cutoff
	away  *awayLog
	emit  func(media.Event)

	begun   bool          // a frame or a hole came
	end     time.Duration // recording time up to which the track was kept or declared
	next    time.Duration // the next frame is not before this
	current hole
	rate    bucket // bounds how many holes are declared
	rated   bool   // rate was used; before that it counts as full
}

// A hole is a missing span of a track. It is open until it is declared.
type hole struct {
	open   bool
	from   time.Duration
	reason string
}

// begin notes that the track is there from a time on, unless it was there before.
func (h *trackHoles) begin(at time.Duration) {
	if !h.begun {
		h.begun, h.end = true, at
	}
}

// place returns the time for a frame that belongs at a time. It is after the frame before.
func (h *trackHoles) place(at time.Duration) time.Duration {
	at = max(at, h.next)
	h.next = at + frameTick
	h.begin(at)
	return at
}

// open opens a hole at from. An open hole keeps its first reason. Only HoleStart gives way
// to a later reason, except to HoleKeyFrame.
func (h *trackHoles) open(from time.Duration, reason string) {
	switch {
	case !h.current.open:
		h.current = hole{open: true, from: from, reason: reason}
	case h.current.reason == media.HoleStart && reason != media.HoleKeyFrame:
		h.current.reason = reason
	}
}

// extend notes that the hole lasts until at. It declares a long hole piece by piece, so
// that a crash cannot hide it.
func (h *trackHoles) extend(at time.Duration) {
	h.end = max(h.end, at)
	if at-h.current.from >= declareEvery {
		reason := h.current.reason
		h.close(at)
		h.current = hole{open: true, from: at, reason: reason}
	}
}

// mayClose reports whether the open hole, if there is one, may end at a time. The rate of
// a track's holes is bounded. If they come faster, the frames between them are left out,
// and the holes become one.
func (h *trackHoles) mayClose(at time.Duration) bool {
	if !h.current.open || h.current.isNone(at) {
		return true
	}
	now := h.clock.now()
	if !h.rated {
		h.rated, h.rate = true, bucket{tokens: holeBurst, filled: now}
	}
	return h.rate.take(now, 1, holeBurst, holeRefill)
}

// isNone reports whether the hole has no length if it ends at to.
func (h hole) isNone(to time.Duration) bool {
	return to <= h.from || h.reason == media.HoleStart && to-h.from < startTolerance
}

// close declares that the open hole, if there is one, ends at to.
func (h *trackHoles) close(to time.Duration) {
	if !h.current.open {
		return
	}
	if h.current.reason == media.HoleStart && !h.info.Offered.IsZero() {
		// The rest was not sent.
		to = min(to, max(h.current.from, h.clock.at(h.info.Offered)))
	}
	closed := h.current
	h.current = hole{}
	if closed.isNone(to) {
		return
	}
	// What was muted was not published.
	for _, m := range h.inbox.muted.within(closed.from, to, unmuteSlack) {
		h.declareApart(closed.from, m.from, closed.reason)
		closed.from = m.to
	}
	h.declareApart(closed.from, to, closed.reason)
}

// closeStart closes the hole before a track's beginning, if it is open: the sender had not
// begun.
func (h *trackHoles) closeStart(at time.Duration) {
	if h.current.open && h.current.reason == media.HoleStart {
		h.close(at)
	}
}

// closeAtSIF closes the open hole at one of the server's own frames, which stands where
// the sender's media ended. So the hole does not last as long as the mute.
func (h *trackHoles) closeAtSIF(at time.Duration) {
	if h.current.open && h.begun && at > h.current.from && h.mayClose(at) {
		h.end = max(h.end, at)
		h.close(at)
	}
}

func (h *trackHoles) declare(from, to time.Duration, reason string) {
	if reason == holeBefore {
		reason = media.HoleConsent
	}
	if to > from {
		h.emit(media.Event{Time: from, Type: media.EventHole, From: from, To: to, Reason: h.away.reason(from, to, reason)})
	}
}
