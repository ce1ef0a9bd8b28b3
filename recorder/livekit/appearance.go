package livekit

import (
	"encoding/json"
	"strings"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxMetadata is the most bytes of a member's metadata that are parsed. LiveKit's
// own limit is the same.
const maxMetadata = 64 << 10

// An appearance is what a member shows of themselves: name and raised hand.
type appearance struct {
	name string
	hand bool // it is raised
}

// appearanceOf returns a member's appearance, as the server reports it.
func appearanceOf(p *lkproto.ParticipantInfo) appearance {
	return appearance{p.GetName(), handRaised(p)}
}

// reportAppearance reports what changed in a member's appearance. The caller holds r.feed.
func (r *Room) reportAppearance(s *session, identity string, now appearance) {
	was, known := r.seen[identity]
	if r.seen == nil {
		r.seen = make(map[string]appearance)
	}
	r.seen[identity] = now
	if known && was.name != now.name {
		s.tell(recorder.RoomEvent{Type: media.EventName, Participant: identity, Name: now.name, Text: media.Clamp(was.name, media.MaxName)})
	}
	if was.hand != now.hand {
		e := recorder.RoomEvent{Type: media.EventHand, Participant: identity, Reason: media.HandLowered}
		if now.hand {
			e.Reason = media.HandRaised
		}
		s.tell(e)
	}
}

// reportMetadata reports the room's metadata if they changed. The caller holds r.feed.
func (r *Room) reportMetadata(s *session, metadata string) {
	if r.metadata == metadata {
		return
	}
	r.metadata = metadata
	s.tell(recorder.RoomEvent{Type: media.EventMetadata, Text: media.Clamp(metadata, media.MaxText)})
}

// handRaised reports whether a member has raised a hand. LiveKit has no field for
// it. LaSuite Meet sets an attribute, handRaisedAt; LiveKit's own sample sets a
// field of JSON metadata, hand_raised.
func handRaised(p *lkproto.ParticipantInfo) bool {
	for key, value := range p.GetAttributes() {
		if handKey(key) && raised(value) {
			return true
		}
	}
	// Most metadata are empty, or have no such field.
	if m := p.GetMetadata(); len(m) > maxMetadata || !strings.Contains(m, "aised") && !strings.Contains(m, "and") {
		return false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(p.GetMetadata()), &fields) != nil {
		return false
	}
	for key, value := range fields {
		if (handKey(key) || strings.EqualFold(key, "raised")) && raised(strings.Trim(string(value), `"`)) {
			return true
		}
	}
	return false
}

// handKey reports whether apps use this name for a raised hand.
func handKey(key string) bool {
	if len(key) > 64 {
		return false
	}
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "", "lk", "").Replace(key)) {
	case "handraised", "handraisedat", "ishandraised", "raisedhand", "raisehand", "handup":
		return true
	}
	return false
}

// raised reports whether a value means yes: true, or the time when it was raised.
func raised(value string) bool {
	switch strings.ToLower(value) {
	case "", "false", "0", "no", "null", "none", "{}", "[]":
		return false
	}
	return true
}
