package recorder

import (
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A permission says whether a participant's media may be kept. The zero value allows all.
type permission struct {
	cutoff
	deny atomic.Pointer[string] // the reason of the hole, if nothing may be kept
}

// set sets the permission. why is the reason of the hole if nothing may be kept. "" means
// that everything captured from now on may be kept. It reports whether nothing might be
// kept before, and now everything may.
func (m *permission) set(why string, now time.Duration) (begins bool) {
	switch {
	case why != "":
		m.deny.Store(&why)
		m.from.Store(keepNothing)
	case m.keepsNothing():
		m.from.Store(int64(max(1, now)))
		return true
	}
	return false
}

// Reconsider asks Config.Permission again about a participant. If they may not be
// recorded any more, nothing more of theirs is kept once Reconsider has returned, and
// their tracks have holes with the reason that Permission returned. If they may be
// recorded, everything that is captured after the call is kept. Before and after a
// recording, Reconsider does nothing.
func (r *Recorder) Reconsider(participant string) {
	_ = r.remotely(func(n *run) error {
		now := n.clock.now()
		n.tracks.each(func(t *trackRecorder) {
			if t.info.Participant == participant {
				if t.inbox.permission.set(n.config.denyReason(participant, t.info.Encrypted), now) {
					t.inbox.post(keyFrameWanted) // a picture begins with one
				}
			}
		})
		return nil
	})
}

// denyReason returns why a participant's media may not be kept. "" means that it may.
func (c *Config) denyReason(participant string, encrypted bool) string {
	if c.Permission == nil {
		return ""
	}
	return c.Permission(participant, encrypted)
}

// Verified tells the recorder that a participant has become a reader, or is one no
// longer, as Config.Access says from now on: for example because they proved who they
// are. name is the name on their card, how a media.VerifiedBy reason. Both are "" if they
// are not verified any more. The error is ErrNotRecording if there is no recording, as
// for the methods below.
func (r *Recorder) Verified(participant, name, how string) error {
	return r.note(media.Event{Type: media.EventVerified, Participant: participant, Name: name, Reason: how})
}

// Claimed puts into the timeline that a participant proved to hold the key of a card
// that is not pinned, with the name on it. how is "", or media.ClaimedByMatrix for who has
// no card.
func (r *Recorder) Claimed(participant, name, how string) error {
	return r.note(media.Event{Type: media.EventClaimed, Participant: participant, Name: name, Reason: how})
}

// Consented puts into the timeline a participant's answer about being recorded: one of
// the media.Consent reasons, and their words. Answers that come too fast are only
// counted.
func (r *Recorder) Consented(participant, answer, words string) error {
	return r.note(media.Event{Type: media.EventConsent, Participant: participant, Reason: answer, Text: words})
}

// Suspected puts into the timeline that what a participant says about who they are does
// not hold, and why.
func (r *Recorder) Suspected(participant, why string) error {
	return r.note(media.Event{Type: media.EventIntegrity, Participant: participant, Reason: why})
}

// GoesOnWith puts into the timeline that this recording goes on with the meeting of another,
// of this ID, by the word of the room's server.
func (r *Recorder) GoesOnWith(id string) error {
	return r.remotely(func(n *run) error {
		n.emit(media.Event{Time: max(1, n.clock.now()), Type: media.EventFollows, Text: id, Reason: media.FollowsServer})
		return nil
	})
}

// note puts an event into the timeline, now.
func (r *Recorder) note(e media.Event) error {
	return r.remotely(func(n *run) error {
		e.Time = max(1, n.clock.now())
		// Events about readers are never left out. Only the caller of Verified can cause
		// them.
		if e.Type == media.EventVerified || n.activity.allows(e, e.Time) {
			n.emit(e)
		}
		return nil
	})
}

// withholdReason returns why what was captured at a time may not be kept, as the reason of
// a hole. "" means that it may be kept.
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

// extendWithheld declares a frame that may not be kept.
func (h *trackHoles) extendWithheld(at time.Duration, why string) {
	if h.current.open && h.current.reason != why {
		h.close(max(h.current.from, h.end))
	}
	h.open(h.end, why)
	h.extend(at)
}

// endWithheld ends a wanted hole when its cause has ended, before a frame that belongs at
// a time: what is missing after that has another reason. over says that there was such a
// hole. may is false if it may not end yet: see mayClose.
func (h *trackHoles) endWithheld(at time.Duration) (over, may bool) {
	if !h.current.open || !media.Wanted(h.current.reason) {
		return false, true
	}
	from := max(h.pause.from.Load(), h.inbox.permission.from.Load())
	if from == keepNothing { // it was set again while this frame was on its way
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
