package livekit

import (
	"encoding/json"
	"math"
	"time"
	"unicode/utf8"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// legacyChatTopic is where LiveKit's components send chat as a data packet, for
// clients without text streams. The packet is marked if a stream was sent too.
const legacyChatTopic = "lk-chat-topic"

// typeOf returns the event type of a text on a topic, or "" if the topic is not
// known. LiveKit has no format of its own for reactions. Apps send them as data
// packets or text streams: the text is the reaction, or JSON with a field emoji,
// reaction or message.
func typeOf(topic string) media.EventType {
	switch topic {
	case chatTopic:
		return media.EventChat
	case transcriptionTopic:
		return media.EventTranscription
	case "lk.reaction", "lk.reactions", "reaction", "reactions":
		return media.EventReaction
	}
	return ""
}

// maxPayload is the most bytes of a data packet that is parsed. LiveKit's own
// limit is lower.
const maxPayload = 1 << 16

// missedData counts missed data whose type is not known.
const missedData media.EventType = "data"

// tell queues an event that may be missed, without waiting. Missed events are
// reported as a count.
func (s *session) tell(e recorder.RoomEvent) {
	if s.alive() {
		e.At = time.Now()
		s.r.events.offer(e)
	}
}

// answer queues an event that must not be missed, without waiting. A later answer
// of the same member may replace it.
func (s *session) answer(e recorder.RoomEvent) {
	if s.alive() {
		e.At = time.Now()
		s.r.events.answer(e)
	}
}

// listen sets the callbacks for what members do besides publishing.
func (s *session) listen(cb *lksdk.RoomCallback) {
	// The SDK calls this in a goroutine each time, so only the current state is
	// reliable.
	cb.OnActiveSpeakersChanged = func([]lksdk.Participant) { s.contain("", s.speakers) }
	// livekit-server 1.11 checks every five seconds. If somebody's quality
	// changed, or somebody joined, it reports the quality of all members whose
	// tracks the recorder receives.
	cb.OnConnectionQualityChanged = func(update *lkproto.ConnectionQualityInfo, p lksdk.Participant) {
		s.contain(p.Identity(), func() {
			identity := p.Identity()
			if q := quality(update.GetQuality()); q != "" && identity != s.room.LocalParticipant.Identity() {
				s.tell(recorder.RoomEvent{Type: media.EventQuality, Participant: identity, Reason: q})
			}
		})
	}
}

// speakers reports who speaks now. livekit-server 1.11 reports changes only, in
// steps of an eighth of full scale, of members whose tracks the recorder
// receives. Somebody who has spoken evenly since before the join is not known.
func (s *session) speakers() {
	e := recorder.RoomEvent{Type: media.EventSpeaking}
	for _, p := range s.room.ActiveSpeakers() {
		// The SDK keeps members who left while they spoke.
		if s.room.GetParticipantByIdentity(p.Identity()) != nil {
			e.Speakers = append(e.Speakers, p.Identity())
		}
	}
	s.tell(e)
}

// deliver handles a data packet, sealed or not.
func (s *session) deliver(p *lkproto.DataPacket, sealed bool) {
	as, now := p.ParticipantIdentity, time.Now()
	from := s.sender(p)
	if from == s.room.LocalParticipant.Identity() {
		return
	}
	if u, ok := p.Value.(*lkproto.DataPacket_User); ok && s.r.c.OnData != nil && s.r.c.OnData(u.User.GetTopic(), from, u.User.GetPayload()) {
		return
	}
	if from == "" {
		return // the server's, or a hidden member's
	}
	switch v := p.Value.(type) {
	case *lkproto.DataPacket_RpcRequest:
		s.called(from, v.RpcRequest)
	case *lkproto.DataPacket_User:
		s.said(from, as, sealed, heardPacket(v.User))
	case *lkproto.DataPacket_ChatMessage:
		s.said(from, as, sealed, heardMessage(v.ChatMessage))
	case *lkproto.DataPacket_Transcription:
		s.transcribed(from, sealed, v.Transcription)
	case *lkproto.DataPacket_SipDtmf:
		s.said(from, as, sealed, recorder.RoomEvent{Type: recorder.EventDialed, Text: v.SipDtmf.GetDigit()})
	case *lkproto.DataPacket_StreamHeader:
		s.streamed(s.streams.begin(from, as, sealed, v.StreamHeader, now))
	case *lkproto.DataPacket_StreamChunk:
		s.streamed(s.streams.chunk(from, sealed, v.StreamChunk, now))
	case *lkproto.DataPacket_StreamTrailer:
		s.streamed(s.streams.trailer(from, sealed, v.StreamTrailer))
	}
}

// said reports what a member said, in the name of as, sealed or not, unless it is
// empty.
func (s *session) said(from, as string, sealed bool, e recorder.RoomEvent) {
	if e.Text == "" && e.Type != media.EventStream || e.Type == "" {
		return
	}
	e.Participant, e.Encrypted = as, sealed
	if from != as {
		e.By = from
	}
	switch {
	case e.Reason != media.TextCut && s.r.c.Answer != nil && s.r.c.Answer(e):
		s.answer(e)
	case e.Type != recorder.EventDialed: // what is dialed may be a PIN
		s.tell(e)
	}
}

// streamed reports what ended streams contained.
func (s *session) streamed(over []*stream) {
	for _, st := range over {
		if st.kind() == media.EventTranscription {
			s.transcription(st)
			continue
		}
		e := heardStream(st)
		if e.Type == media.EventDropped {
			s.r.events.miss(st.from, media.EventType(e.Reason))
			continue
		}
		s.said(st.from, st.as, st.sealed, e)
	}
}

// heardStream returns the event of an ended stream. Of a text that is too long or
// incomplete it has the beginning. For content that is not stored it has a note.
// It is an EventDropped if nothing is left.
func heardStream(st *stream) recorder.RoomEvent {
	e := recorder.RoomEvent{Type: st.kind(), Generated: st.generated}
	if e.Type == media.EventStream {
		e.Reason, e.Text, e.Size = media.Clamp(st.topic, media.MaxReason), media.Clamp(st.name, media.MaxName), int64(min(st.size(), math.MaxInt64))
		return e
	}
	text, all := st.content()
	switch {
	case e.Type == media.EventReaction && all:
		e.Text = reaction(text)
	case all && len(text) <= media.MaxText:
		e.Text = media.Clamp(string(text), media.MaxText)
	case e.Type == media.EventReaction, len(text) == 0:
		return recorder.RoomEvent{Type: media.EventDropped, Reason: string(e.Type)}
	default:
		e.Text, e.Reason = media.Clamp(string(wholeRunes(text)), media.MaxText), media.TextCut
		e.Size = int64(min(max(st.size(), uint64(len(text))), math.MaxInt64))
	}
	return e
}

// wholeRunes returns the text without the half of a character at its end.
func wholeRunes(text []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return text[:len(text)-n]
			}
			break
		}
	}
	return text
}

// heardMessage reads a chat message of LiveKit's older form.
func heardMessage(m *lkproto.ChatMessage) recorder.RoomEvent {
	if m.GetDeleted() {
		return recorder.RoomEvent{}
	}
	return recorder.RoomEvent{Type: media.EventChat, Text: media.Clamp(m.GetMessage(), media.MaxText), Generated: m.GetGenerated()}
}

// heardPacket parses an app's own data packet, if its form is known.
func heardPacket(p *lkproto.UserPacket) (e recorder.RoomEvent) {
	if len(p.GetPayload()) > maxPayload {
		return e
	}
	switch {
	case p.GetTopic() == legacyChatTopic:
		var m struct {
			Message      string `json:"message"`
			IgnoreLegacy bool   `json:"ignoreLegacy"`
			Generated    bool   `json:"generated"`
		}
		if json.Unmarshal(p.GetPayload(), &m) == nil && !m.IgnoreLegacy {
			e.Type, e.Text, e.Generated = media.EventChat, media.Clamp(m.Message, media.MaxText), m.Generated
		}
	case typeOf(p.GetTopic()) == media.EventReaction:
		e.Type, e.Text = media.EventReaction, reaction(p.GetPayload())
	}
	return e
}

// reaction parses a reaction, in JSON or as plain text.
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
