package livekit

import (
	"log/slog"
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// alone is a session without a server, and what it tells.
func alone(c Config) *session {
	r := &Room{c: c, log: slog.New(slog.DiscardHandler), closed: make(chan struct{})}
	return &session{r: r, room: lksdk.NewRoom(&lksdk.RoomCallback{}), streams: newStreams(roomBounds), entered: true, gone: make(chan struct{})}
}

func (s *session) heard() (events []recorder.RoomEvent) {
	for {
		e, ok, _ := s.r.events.take()
		if !ok {
			return events
		}
		events = append(events, e)
	}
}

func TestHeard(t *testing.T) {
	user := func(topic, payload string) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Topic: &topic, Payload: []byte(payload)}}}
	}
	chat := func(m *lkproto.ChatMessage) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_ChatMessage{ChatMessage: m}}
	}
	for _, tt := range []struct {
		data *lkproto.DataPacket
		typ  media.EventType
		text string
	}{
		{chat(&lkproto.ChatMessage{Message: "hello"}), media.EventChat, "hello"},
		{chat(&lkproto.ChatMessage{Message: "hello", Deleted: true}), "", ""},
		{chat(&lkproto.ChatMessage{}), "", ""},
		{chat(&lkproto.ChatMessage{Message: strings.Repeat("é", media.MaxText)}), media.EventChat, strings.Repeat("é", media.MaxText/2)},
		{user("lk-chat-topic", `{"message":"hi","timestamp":1}`), media.EventChat, "hi"},
		{user("lk-chat-topic", `{"message":"hi","ignoreLegacy":true}`), "", ""},
		{user("lk-chat-topic", `hi`), "", ""},
		{user("lk-chat-topic", ``), "", ""},
		{user("lk-chat-topic", strings.Repeat(" ", 1<<20)), "", ""},
		{user("reactions", "🎉"), media.EventReaction, "🎉"},
		{user("reactions", `{"emoji":"🎉"}`), media.EventReaction, "🎉"},
		{user("lk.reaction", "\xff"), media.EventReaction, "\uFFFD"},
		{user("reactions", strings.Repeat("x", 1000)), media.EventReaction, strings.Repeat("x", media.MaxReaction)},
		{user("reactions", `{}`), "", ""},
		{user("cursor", `{"emoji":"🎉"}`), "", ""},
		{&lkproto.DataPacket{Value: &lkproto.DataPacket_SipDtmf{SipDtmf: &lkproto.SipDTMF{}}}, "", ""},
		{&lkproto.DataPacket{}, "", ""},
	} {
		tt.data.ParticipantIdentity = "ada"
		s := alone(Config{})
		s.deliver(tt.data, false)
		events := s.heard()
		if tt.typ == "" && len(events) > 0 || tt.typ != "" && (len(events) != 1 || events[0].Type != tt.typ || events[0].Text != tt.text || events[0].Participant != "ada") {
			t.Errorf("%.60v: %.200v, want %s %.40q", tt.data, events, tt.typ, tt.text)
		}
	}
}

// What goes wrong with a packet costs that packet, and is counted.
func TestReceiveContainsFaults(t *testing.T) {
	s := alone(Config{OnData: func(string, string, []byte) bool { panic("a bug") }})
	user, err := proto.Marshal(&lkproto.DataPacket{ParticipantIdentity: "mallory", Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Payload: []byte("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	chat, err := proto.Marshal(&lkproto.DataPacket{ParticipantIdentity: "ada", Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: "hello"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.receive(webrtc.DataChannelMessage{Data: user})
	s.receive(webrtc.DataChannelMessage{Data: user})
	s.receive(webrtc.DataChannelMessage{Data: chat})
	events := s.heard()
	if len(events) != 2 || events[1].Type != media.EventDropped || events[1].Reason != "data" || events[1].Count != 2 || events[0].Text != "hello" {
		t.Errorf("%+v", events)
	}
}

// What may be missed does not wait when nobody accepts. It is counted, and keeps out
// neither others nor what may not be missed.
func TestTellNeverWaits(t *testing.T) {
	s := alone(Config{})
	for range 5000 {
		s.tell(recorder.RoomEvent{Type: media.EventChat, Participant: "mallory", Text: "spam"})
	}
	s.emit(recorder.RoomEvent{Type: media.EventLeave, Participant: "mallory"})
	s.tell(recorder.RoomEvent{Type: media.EventChat, Participant: "bob", Text: "hello"})
	events := s.heard()
	n := len(events)
	if n != memberWaits+3 || events[n-3].Type != media.EventLeave || events[n-2].Text != "hello" || events[n-2].At.IsZero() {
		t.Fatalf("%d events, then %+v", n, events[max(0, n-3):])
	}
	if e := events[n-1]; e.Type != media.EventDropped || e.Reason != "chat" || e.Count != 5000-memberWaits {
		t.Errorf("then %+v", e)
	}
	s.dead = true
	s.tell(recorder.RoomEvent{Type: media.EventChat})
	if events := s.heard(); len(events) != 0 {
		t.Errorf("a session that is over tells %+v", events)
	}
}

func TestQuality(t *testing.T) {
	for q := range lkproto.ConnectionQuality_name {
		if quality(lkproto.ConnectionQuality(q)) == "" {
			t.Errorf("quality %d has no name", q)
		}
	}
	if quality(99) != "" {
		t.Error("an unknown quality has a name")
	}
}
