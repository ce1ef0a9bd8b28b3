package recorder

import (
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A permission says whether what one participant publishes may be kept. The zero value
// keeps all.
type permission struct {
	cutoff
	deny atomic.Pointer[string] // while it is shut, the reason of the hole
}

// set opens or shuts the permission: why is the reason not to keep anything, "" to keep
// what is captured from now on.
func (m *permission) set(why string, now time.Duration) {
	switch {
	case why != "":
		m.deny.Store(&why)
		m.from.Store(keepNothing)
	case m.keepsNothing():
		m.from.Store(int64(max(1, now)))
	}
}

// Reconsider asks Config.Permission again whether what a participant publishes may
// be kept. When it returns, nothing more is kept of one who may not be recorded any
// more; of one who may, what is captured from the call on is. Their tracks' holes
// are declared for the reason that Permission gave. Before and after a recording it
// does nothing.
func (r *Recorder) Reconsider(participant string) {
	_ = r.remotely(func(n *run) error {
		now := n.clock.now()
		n.tracks.each(func(t *trackRecorder) {
			if t.info.Participant == participant {
				t.inbox.permission.set(n.config.denyReason(participant, t.info.Encrypted), now)
				t.inbox.post(keyFrameWanted) // a picture begins with one
			}
		})
		return nil
	})
}

// denyReason returns why nothing of a participant may be kept that is encrypted, or is
// not, "" if it may.
func (c *Config) denyReason(participant string, encrypted bool) string {
	if c.Permission == nil {
		return ""
	}
	return c.Permission(participant, encrypted)
}

// Verified tells the recorder that a participant became a reader, or is not one any
// more, as Config.Access says from now on, for example because they proved who they
// are. how is one of the media.VerifiedBy reasons; name and how are "" for one who is
// not taken for anybody any more.
func (r *Recorder) Verified(participant, name, how string) error {
	return r.note(media.Event{Type: media.EventVerified, Participant: participant, Name: name, Reason: how})
}

// Claimed puts into the timeline that a participant proved to hold the key of a card
// that is not pinned, with the name on it.
func (r *Recorder) Claimed(participant, name string) error {
	return r.note(media.Event{Type: media.EventClaimed, Participant: participant, Name: name})
}

// Consented puts into the timeline what a participant said to being recorded: one of
// the media.Consent reasons, and their words. Who says too much is cut short.
func (r *Recorder) Consented(participant, answer, words string) error {
	return r.note(media.Event{Type: media.EventConsent, Participant: participant, Reason: answer, Text: words})
}

// Suspected puts into the timeline that a participant's word of who they are does
// not hold, and why.
func (r *Recorder) Suspected(participant, why string) error {
	return r.note(media.Event{Type: media.EventIntegrity, Participant: participant, Reason: why})
}

// note puts an event into the timeline, now.
func (r *Recorder) note(e media.Event) error {
	return r.remotely(func(n *run) error {
		e.Time = max(1, n.clock.now())
		// Who reads may not depend on what else is said: of that Recorder.Verified's caller
		// says as much as is true.
		if e.Type == media.EventVerified || n.activity.allows(e, e.Time) {
			n.emit(e)
		}
		return nil
	})
}

// withholdReason returns the reason not to keep what was captured at a time, "" to
// keep it.
func (h *trackHoles) withholdReason(at time.Duration) string {
	if !h.pause.keeps(at) {
		return media.HolePaused
	}
	if h.inbox.permission.keeps(at) {
		return ""
	}
	if why := h.inbox.permission.deny.Load(); why != nil {
		return *why
	}
	return media.HoleConsent
}

// extendWithheld declares a frame that is not to be kept.
func (h *trackHoles) extendWithheld(at time.Duration, why string) {
	if h.current.open && h.current.reason != why {
		h.close(max(h.current.from, h.end))
	}
	h.open(h.end, why)
	h.extend(at)
}

// endWithheld ends a hole that was wanted with what it was for, before a frame that
// belongs at a time: what is missing after it has other reasons. over says that there
// was one; may is false where it may not end: see mayClose.
func (h *trackHoles) endWithheld(at time.Duration) (over, may bool) {
	if !h.current.open || !media.Wanted(h.current.reason) {
		return false, true
	}
	from := max(h.pause.from.Load(), h.inbox.permission.from.Load())
	if from == keepNothing { // while this frame was on its way
		from = int64(at)
	}
	to := max(h.current.from, min(at, time.Duration(from)))
	if !h.mayClose(to) {
		return false, false
	}
	h.end = max(h.end, to)
	h.close(to)
	return true, true
}
