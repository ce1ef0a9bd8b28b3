package livekit

import (
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

func TestHeard(t *testing.T) {
	user := func(topic, payload string) lksdk.DataPacket {
		return &lksdk.UserDataPacket{Topic: topic, Payload: []byte(payload)}
	}
	for _, tt := range []struct {
		data lksdk.DataPacket
		typ  media.EventType
		text string
	}{
		{&lkproto.ChatMessage{Message: "hello"}, media.EventChat, "hello"},
		{&lkproto.ChatMessage{Message: "hello", Deleted: true}, "", ""},
		{&lkproto.ChatMessage{Message: strings.Repeat("é", media.MaxText)}, media.EventChat, strings.Repeat("é", media.MaxText/2)},
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
		{&lkproto.SipDTMF{}, "", ""},
	} {
		if typ, text := heard(tt.data); typ != tt.typ || text != tt.text {
			t.Errorf("%.60v: %s %.40q, want %s %.40q", tt.data, typ, text, tt.typ, tt.text)
		}
	}
}

// What may be missed does not wait when nobody accepts, and leaves room for what
// may not. It is counted.
func TestTellNeverWaits(t *testing.T) {
	r := &Room{closed: make(chan struct{}), ear: newEar()}
	next := func() (e recorder.RoomEvent) {
		e, _, _ = r.events.take()
		return e
	}
	s := &session{r: r, entered: true}
	for range 5000 {
		s.tell(recorder.RoomEvent{Type: media.EventChat, Participant: "mallory", Text: "spam"})
	}
	s.emit(recorder.RoomEvent{Type: media.EventLeave, Participant: "mallory"})
	n := r.events.length() - 1
	for range n + 1 {
		next()
	}
	s.tell(recorder.RoomEvent{Type: media.EventChat, Participant: "bob", Text: "hello"})
	if e := next(); e.Type != media.EventDropped || e.Reason != "chat" || e.Count != 5000-n || n >= eventQueue {
		t.Errorf("after %d events: %+v", n, e)
	}
	if e := next(); e.Text != "hello" || e.At.IsZero() {
		t.Errorf("then: %+v", e)
	}
	s.dead = true
	s.tell(recorder.RoomEvent{Type: media.EventChat})
	if r.events.length() != 0 {
		t.Error("a session that is over still tells")
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
