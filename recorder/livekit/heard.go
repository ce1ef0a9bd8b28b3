package livekit

import (
	"encoding/json"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// legacyChatTopic is where LiveKit's components send chat as a data packet, for
// clients that know no text streams; they mark it where they sent a stream too.
const legacyChatTopic = "lk-chat-topic"

// typeOf says what a text on a topic is, "" where that is not known. LiveKit has
// no format of its own for reactions; apps send them as data packets or text
// streams: the text is the reaction, or in JSON a field emoji, reaction or message.
func typeOf(topic string) media.EventType {
	switch topic {
	case chatTopic:
		return media.EventChat
	case "lk.reaction", "lk.reactions", "reaction", "reactions":
		return media.EventReaction
	}
	return ""
}

// maxPayload bounds a data packet that is looked into; LiveKit's own limit is less.
const maxPayload = 1 << 16

// missedData is what was missed of data that nobody can say more of.
const missedData media.EventType = "data"

// tell hands out an event that may be missed: it does not wait. What is missed is
// told as a count.
func (s *session) tell(e recorder.RoomEvent) {
	if s.alive() {
		e.At = time.Now()
		s.r.events.offer(e)
	}
}

// listen makes the callbacks tell what members do besides publishing.
func (s *session) listen(cb *lksdk.RoomCallback) {
	// The SDK calls this in a goroutine each time: only now tells the order.
	cb.OnActiveSpeakersChanged = func([]lksdk.Participant) { s.contain("", s.speakers) }
	// livekit-server 1.11 looks every five seconds, and where somebody's quality
	// changed, or somebody came, tells that of all whose tracks one receives.
	cb.OnConnectionQualityChanged = func(update *lkproto.ConnectionQualityInfo, p lksdk.Participant) {
		identity := p.Identity()
		if q := quality(update.GetQuality()); q != "" && identity != s.room.LocalParticipant.Identity() {
			s.tell(recorder.RoomEvent{Type: media.EventQuality, Participant: identity, Reason: q})
		}
	}
}

// speakers tells who speaks now. livekit-server 1.11 tells of changes only, in
// steps of an eighth of full scale, and of those whose tracks one receives: who
// speaks evenly since before is not known to.
func (s *session) speakers() {
	e := recorder.RoomEvent{Type: media.EventSpeaking}
	for _, p := range s.room.ActiveSpeakers() {
		// The SDK keeps who left while they spoke.
		if s.room.GetParticipantByIdentity(p.Identity()) != nil {
			e.Speakers = append(e.Speakers, p.Identity())
		}
	}
	s.tell(e)
}

// deliver takes a data packet, which came sealed or not. Calls of remote
// procedures are left out: the recorder has none.
func (s *session) deliver(p *lkproto.DataPacket, sealed bool) {
	from := p.ParticipantIdentity
	if from == s.room.LocalParticipant.Identity() {
		return
	}
	now := time.Now()
	switch v := p.Value.(type) {
	case *lkproto.DataPacket_User:
		if s.r.c.OnData != nil && s.r.c.OnData(v.User.GetTopic(), from, v.User.GetPayload()) {
			return
		}
		s.said(from, heardPacket(v.User))
	case *lkproto.DataPacket_ChatMessage:
		s.said(from, heardMessage(v.ChatMessage))
	case *lkproto.DataPacket_StreamHeader:
		if typ := typeOf(v.StreamHeader.GetTopic()); typ != "" && from != "" && v.StreamHeader.GetTextHeader() != nil {
			s.streamed(s.streams.begin(from, sealed, v.StreamHeader, media.MaxText, now))
		}
	case *lkproto.DataPacket_StreamChunk:
		s.streamed(s.streams.chunk(from, sealed, v.StreamChunk, now))
	case *lkproto.DataPacket_StreamTrailer:
		s.streamed(s.streams.trailer(from, sealed, v.StreamTrailer))
	}
}

// A saying is what somebody said in data; the zero value is nothing.
type saying struct {
	typ  media.EventType
	text string
}

// said tells what somebody said.
func (s *session) said(from string, what saying) {
	if what.text != "" && from != "" {
		s.tell(recorder.RoomEvent{Type: what.typ, Participant: from, Text: what.text})
	}
}

// streamed tells what streams said that are over. One that did not come to its
// end is missed.
func (s *session) streamed(over []*stream) {
	for _, st := range over {
		text, all := st.content()
		typ := typeOf(st.topic)
		switch {
		case !all:
			s.r.events.miss(typ)
		case typ == media.EventReaction:
			s.said(st.from, saying{typ, reaction(text)})
		default:
			s.said(st.from, saying{typ, media.Clamp(string(text), media.MaxText)})
		}
	}
}

// heardMessage reads a chat message of LiveKit's older form.
func heardMessage(m *lkproto.ChatMessage) saying {
	if m.GetDeleted() {
		return saying{}
	}
	return saying{media.EventChat, media.Clamp(m.GetMessage(), media.MaxText)}
}

// heardPacket reads what an app's own data packet says, if that is known.
func heardPacket(p *lkproto.UserPacket) saying {
	if len(p.GetPayload()) > maxPayload {
		return saying{}
	}
	switch {
	case p.GetTopic() == legacyChatTopic:
		var m struct {
			Message      string `json:"message"`
			IgnoreLegacy bool   `json:"ignoreLegacy"`
		}
		if json.Unmarshal(p.GetPayload(), &m) != nil || m.IgnoreLegacy {
			return saying{}
		}
		return saying{media.EventChat, media.Clamp(m.Message, media.MaxText)}
	case typeOf(p.GetTopic()) == media.EventReaction:
		return saying{media.EventReaction, reaction(p.GetPayload())}
	}
	return saying{}
}

// reaction reads a reaction, in JSON or as it is.
func reaction(b []byte) string {
	var m struct {
		Emoji    string `json:"emoji"`
		Reaction string `json:"reaction"`
		Message  string `json:"message"`
	}
	if json.Unmarshal(b, &m) == nil {
		for _, s := range []string{m.Emoji, m.Reaction, m.Message} {
			if s != "" {
				return media.Clamp(s, media.MaxReaction)
			}
		}
		return ""
	}
	return media.Clamp(string(b), media.MaxReaction)
}

func quality(q lkproto.ConnectionQuality) string {
	switch q {
	case lkproto.ConnectionQuality_EXCELLENT:
		return media.QualityExcellent
	case lkproto.ConnectionQuality_GOOD:
		return media.QualityGood
	case lkproto.ConnectionQuality_POOR:
		return media.QualityPoor
	case lkproto.ConnectionQuality_LOST:
		return media.QualityLost
	}
	return ""
}
