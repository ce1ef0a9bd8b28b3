package livekit

import (
	"encoding/json"
	"strings"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxMetadata bounds a member's metadata that is looked into; LiveKit's own limit
// is the same.
const maxMetadata = 64 << 10

// A look is what a member shows of themselves.
type look struct {
	name string
	hand bool // it is raised
}

// lookOf is how a member looks, as the server says.
func lookOf(p *lkproto.ParticipantInfo) look { return look{p.GetName(), handRaised(p)} }

// looks tells how a member looks otherwise than before. r.feed is held.
func (r *Room) looks(s *session, identity string, now look) {
	was, known := r.seen[identity]
	if r.seen == nil {
		r.seen = make(map[string]look)
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

// describes tells what the room's metadata are, if they are others than before.
// r.feed is held.
func (r *Room) describes(s *session, metadata string) {
	if r.metadata == metadata {
		return
	}
	r.metadata = metadata
	s.tell(recorder.RoomEvent{Type: media.EventMetadata, Text: media.Clamp(metadata, media.MaxText)})
}

// handRaised reports whether a member has a hand raised. LiveKit has no word for it:
// apps set an attribute, LaSuite Meet handRaisedAt, or a field of the metadata,
// where these are JSON, LiveKit's own sample hand_raised.
func handRaised(p *lkproto.ParticipantInfo) bool {
	for key, value := range p.GetAttributes() {
		if handKey(key) && raised(value) {
			return true
		}
	}
	// Most have none, or of something else.
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

// handKey reports whether a name is one under which apps say that a hand is raised.
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

// raised reports whether a value says yes: true, or since when.
func raised(value string) bool {
	switch strings.ToLower(value) {
	case "", "false", "0", "no", "null", "none", "{}", "[]":
		return false
	}
	return true
}
