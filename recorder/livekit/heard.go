package livekit

import (
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// legacyChatTopic is where LiveKit's components send chat as a data packet, for
// clients that know no text streams; they mark it where they sent a stream too.
const legacyChatTopic = "lk-chat-topic"

// reactionTopics are where apps send reactions as data packets or text streams.
// LiveKit has no format of its own for them: the text is the reaction, or in JSON
// a field emoji, reaction or message.
var reactionTopics = []string{"lk.reaction", "lk.reactions", "reaction", "reactions"}

const (
	maxHeard   = 64      // text streams that are read for their text at once; others are read for nothing
	maxPayload = 1 << 16 // of a data packet that is looked into: LiveKit's own limit is less
)

// An ear hears what members say in data, and keeps it from crowding out what must
// not be missed.
type ear struct {
	reading chan struct{} // has an element for each text stream that is being read

	mu     sync.Mutex
	missed map[media.EventType]int
}

func newEar() *ear {
	return &ear{reading: make(chan struct{}, maxHeard), missed: make(map[media.EventType]int)}
}

// tell hands out an event that may be missed: it does not wait, and leaves room
// in the queue for those that may not. What was missed is told with the next.
func (s *session) tell(e recorder.RoomEvent) {
	if !s.alive() {
		return
	}
	x := s.r.ear
	x.mu.Lock()
	defer x.mu.Unlock() // nothing below calls the SDK, or waits
	for typ, n := range x.missed {
		if s.r.offer(recorder.RoomEvent{Type: media.EventDropped, Reason: string(typ), Count: n}) {
			delete(x.missed, typ)
		}
	}
	if !s.r.offer(e) {
		x.missed[e.Type]++
	}
}

// offer queues an event unless the queue is rather full.
func (r *Room) offer(e recorder.RoomEvent) bool {
	e.At = time.Now()
	return r.events.offer(e)
}

// listen makes the callbacks tell what members do besides publishing.
func (s *session) listen(cb *lksdk.RoomCallback) {
	// The SDK calls this in a goroutine each time: only now tells the order.
	cb.OnActiveSpeakersChanged = func([]lksdk.Participant) { s.speakers() }
	// livekit-server 1.11 looks every five seconds, and where somebody's quality
	// changed, or somebody came, tells that of all whose tracks one receives.
	cb.OnConnectionQualityChanged = func(update *lkproto.ConnectionQualityInfo, p lksdk.Participant) {
		identity := p.Identity()
		if q := quality(update.GetQuality()); q != "" && identity != s.room.LocalParticipant.Identity() {
			s.tell(recorder.RoomEvent{Type: media.EventQuality, Participant: identity, Reason: q})
		}
	}
	cb.OnDataPacket = func(data lksdk.DataPacket, from lksdk.DataReceiveParams) {
		if p, ok := data.(*lksdk.UserDataPacket); ok && s.r.c.OnData != nil && s.r.c.OnData(p.Topic, from.SenderIdentity, p.Payload) {
			return
		}
		if typ, text := heard(data); typ != "" && from.SenderIdentity != "" {
			s.tell(recorder.RoomEvent{Type: typ, Participant: from.SenderIdentity, Text: text})
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

// streams makes the room hand over text streams. The SDK starts a goroutine for
// each, which ends with the stream or with the session.
func (s *session) streams() error {
	topics := map[string]media.EventType{chatTopic: media.EventChat}
	for _, t := range reactionTopics {
		topics[t] = media.EventReaction
	}
	for topic, typ := range topics {
		err := s.room.RegisterTextStreamHandler(topic, func(r *lksdk.TextStreamReader, identity string) {
			x := s.r.ear
			select {
			case x.reading <- struct{}{}:
			default:
				// The SDK keeps what nobody reads.
				io.Copy(io.Discard, r)
				x.mu.Lock()
				x.missed[typ]++
				x.mu.Unlock()
				return
			}
			text, err := io.ReadAll(io.LimitReader(r, media.MaxText+utf8.UTFMax))
			<-x.reading
			if err != nil {
				return
			}
			if typ == media.EventReaction {
				text = []byte(reaction(text))
			}
			if len(text) > 0 {
				s.tell(recorder.RoomEvent{Type: typ, Participant: identity, Text: media.Clamp(string(text), media.MaxText)})
			}
			io.Copy(io.Discard, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// heard is what a data packet says, and what kind of event that is; "" is none.
func heard(data lksdk.DataPacket) (media.EventType, string) {
	switch p := data.(type) {
	case *lkproto.ChatMessage:
		if p.GetDeleted() || p.GetMessage() == "" {
			return "", ""
		}
		return media.EventChat, media.Clamp(p.GetMessage(), media.MaxText)
	case *lksdk.UserDataPacket:
		if len(p.Payload) > maxPayload || len(p.Payload) == 0 {
			return "", ""
		}
		if p.Topic == legacyChatTopic {
			var m struct {
				Message      string `json:"message"`
				IgnoreLegacy bool   `json:"ignoreLegacy"`
			}
			if json.Unmarshal(p.Payload, &m) != nil || m.IgnoreLegacy || m.Message == "" {
				return "", ""
			}
			return media.EventChat, media.Clamp(m.Message, media.MaxText)
		}
		for _, t := range reactionTopics {
			if p.Topic == t {
				if r := reaction(p.Payload); r != "" {
					return media.EventReaction, r
				}
			}
		}
	}
	return "", ""
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
