package matrixroom

import (
	"slices"
	"strings"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

// said takes what somebody wrote or showed in the Matrix room, which is the chat of its call.
// What people write who are not in the call is not the meeting's.
//
// A message is under the identity of the device that wrote it, if that is in the call, and
// else of another device of the same user that is: only the user has signed it. It counts as
// encrypted only if the user has signed the device.
func (r *room) said(e matrix.CallEvent) {
	devices := r.devicesOf(string(e.Caller.User))
	if len(devices) == 0 {
		return
	}
	who := identityOf(e.Caller)
	if !slices.Contains(devices, who) {
		who = devices[0]
	}
	it, _ := r.roster.Here(who)
	event := recorder.RoomEvent{At: e.At, Participant: who, Name: it.Name, Encrypted: e.Encrypted && e.Caller.Standing != matrix.Unsigned}
	switch e.Kind {
	case matrix.Hand:
		event.Type, event.Reason = media.EventHand, media.HandRaised
		if e.Lowered {
			event.Reason = media.HandLowered
		}
	case matrix.Reaction:
		event.Type, event.Text = media.EventReaction, media.Clamp(e.Text, media.MaxReaction)
		if text := answerBy(e.Text); text != "" && r.isNotice(e.To) {
			r.answered(event, devices, text, "reacted "+event.Text)
		}
	default:
		event.Type, event.Text = media.EventChat, media.Clamp(e.Text, media.MaxText)
		if e.Edits && saysNo(e.Text) { // instead of a yes, perhaps; a no counts however it comes
			r.answered(event, devices, "no", "edited to "+event.Text)
		}
		if e.Edits {
			event.Text = media.Clamp("* "+strings.TrimPrefix(event.Text, "* "), media.MaxText)
		}
		if r.p.Answer != nil && r.p.Answer(event) {
			r.events.answer(event)
			others := slices.DeleteFunc(devices, func(d string) bool { return d == who })
			r.answered(event, others, event.Text, event.Text)
			return
		}
	}
	if event.Text != "" || event.Type == media.EventHand {
		r.events.offer(event)
	}
}

// saysNo reports whether a message is a no.
func saysNo(text string) bool {
	return len(text) <= 16 && strings.EqualFold(strings.Trim(text, " \t\n.!\"'"), "no")
}

// answered reports an answer for each of these devices.
func (r *room) answered(e recorder.RoomEvent, devices []string, text, how string) {
	for _, identity := range devices {
		e.Type, e.Participant, e.Text, e.Reason = recorder.EventAnswered, identity, text, how
		r.events.answer(e)
	}
}

// isNotice reports whether an event is a notice of ours.
func (r *room) isNotice(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return id != "" && slices.Contains(r.notices, id)
}

// answerBy returns what a reaction to a question says, "" if it says neither.
func answerBy(reaction string) string {
	// Without its colour and the mark that it is to be shown in colours.
	switch strings.TrimRight(reaction, "\U0001F3FB\U0001F3FC\U0001F3FD\U0001F3FE\U0001F3FF\uFE0F") {
	case "👍", "✅", "✔", "🆗":
		return "yes"
	case "👎", "❌", "✖", "🚫":
		return "no"
	}
	return ""
}
