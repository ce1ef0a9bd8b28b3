package livekit

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

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
		{chat(&lkproto.ChatMessage{Message: strings.Repeat("x", 60<<10)}), media.EventChat, strings.Repeat("x", 60<<10)},
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

// Texts are whole up to a mebibyte; of longer ones, and of those that nobody ended,
// there is the beginning. Of files, and texts on other topics, there is a note.
func TestHeardStreams(t *testing.T) {
	header := func(topic, name string) *lkproto.DataStream_Header {
		h := textHeader("s")
		if h.Topic = topic; name != "" {
			h.ContentHeader = &lkproto.DataStream_Header_ByteHeader{ByteHeader: &lkproto.DataStream_ByteHeader{Name: name}}
		}
		return h
	}
	mebi := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		name, topic, file, content string
		unfinished                 bool
		want                       recorder.RoomEvent
	}{
		{name: "40 kB", topic: "lk.chat", content: mebi[:40<<10], want: recorder.RoomEvent{Type: media.EventChat, Text: mebi[:40<<10]}},
		{name: "a mebibyte", topic: "lk.chat", content: mebi, want: recorder.RoomEvent{Type: media.EventChat, Text: mebi}},
		{name: "a byte more", topic: "lk.chat", content: mebi + "x", want: recorder.RoomEvent{Type: media.EventChat, Text: mebi, Reason: media.TextCut, Size: 1<<20 + 1}},
		{name: "a character more", topic: "lk.chat", content: mebi[:1<<20-1] + "é", want: recorder.RoomEvent{Type: media.EventChat, Text: mebi[:1<<20-1], Reason: media.TextCut, Size: 1<<20 + 1}},
		{name: "much more", topic: "lk.chat", content: mebi + mebi + mebi, want: recorder.RoomEvent{Type: media.EventChat, Text: mebi, Reason: media.TextCut, Size: 3 << 20}},
		{name: "unfinished", topic: "lk.chat", content: "hel\xc3", unfinished: true, want: recorder.RoomEvent{Type: media.EventChat, Text: "hel", Reason: media.TextCut, Size: 4}},
		{name: "nothing of it", topic: "lk.chat", unfinished: true, want: recorder.RoomEvent{Type: media.EventDropped, Reason: "chat", Count: 1}},
		{name: "empty", topic: "lk.chat"},
		{name: "not UTF-8", topic: "lk.chat", content: "a\xffb", want: recorder.RoomEvent{Type: media.EventChat, Text: "a\uFFFDb"}},
		{name: "a reaction", topic: "lk.reaction", content: `{"emoji":"🎉"}`, want: recorder.RoomEvent{Type: media.EventReaction, Text: "🎉"}},
		{name: "half a reaction", topic: "lk.reaction", content: "x", unfinished: true, want: recorder.RoomEvent{Type: media.EventDropped, Reason: "reaction", Count: 1}},
		{name: "another topic", topic: "agenda", content: "one, two", want: recorder.RoomEvent{Type: media.EventStream, Reason: "agenda", Size: 8}},
		{name: "a file", topic: "lk.chat", file: "plan.pdf", content: mebi + mebi, want: recorder.RoomEvent{Type: media.EventStream, Reason: "lk.chat", Text: "plan.pdf", Size: 2 << 20}},
		{name: "a file that did not come", topic: "files", file: "plan.pdf", unfinished: true, want: recorder.RoomEvent{Type: media.EventStream, Reason: "files", Text: "plan.pdf"}},
		{name: "a file with a long name", topic: mebi, file: mebi, content: "x", want: recorder.RoomEvent{Type: media.EventStream, Reason: mebi[:media.MaxReason], Text: mebi[:media.MaxName], Size: 1}},
	} {
		s := alone(Config{})
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: "ada", Value: &lkproto.DataPacket_StreamHeader{StreamHeader: header(tt.topic, tt.file)}}, true)
		n := 0
		for rest := tt.content; rest != ""; n++ {
			piece := rest[:min(len(rest), 15_000)]
			rest = rest[len(piece):]
			s.deliver(&lkproto.DataPacket{ParticipantIdentity: "ada", Value: &lkproto.DataPacket_StreamChunk{StreamChunk: chunkOf("s", n, piece)}}, true)
		}
		if tt.unfinished {
			s.finish()
			s.finished = false
		} else {
			s.deliver(&lkproto.DataPacket{ParticipantIdentity: "ada", Value: &lkproto.DataPacket_StreamTrailer{StreamTrailer: trailerOf("s")}}, true)
		}
		events := s.heard()
		if tt.want.Type == "" && len(events) > 0 || tt.want.Type != "" && len(events) != 1 {
			t.Errorf("%s: %d events", tt.name, len(events))
			continue
		}
		if tt.want.Type == "" {
			continue
		}
		e := events[0]
		if e.Type != tt.want.Type || e.Text != tt.want.Text || e.Reason != tt.want.Reason || e.Size != tt.want.Size || e.Count != tt.want.Count ||
			e.Participant != "ada" && e.Type != media.EventDropped {
			t.Errorf("%s: %s of %q, %d bytes, reason %q, size %d", tt.name, e.Type, e.Participant, len(e.Text), e.Reason, e.Size)
		}
	}
}

// Who hears of what was written hears whether the server can have written it, and
// whether a program did.
func TestHeardWhoWrote(t *testing.T) {
	stream := func(generated bool) *lkproto.DataPacket {
		h := textHeader("s")
		h.GetTextHeader().Generated, h.InlineContent = generated, []byte("yes")
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_StreamHeader{StreamHeader: h}}
	}
	message := func(generated bool) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: "yes", Generated: generated}}}
	}
	packet := func(generated bool) *lkproto.DataPacket {
		topic := legacyChatTopic
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Topic: &topic,
			Payload: fmt.Appendf(nil, `{"message":"yes","generated":%v}`, generated)}}}
	}
	for name, of := range map[string]func(bool) *lkproto.DataPacket{"stream": stream, "message": message, "packet": packet} {
		for _, generated := range []bool{false, true} {
			for _, sealed := range []bool{false, true} {
				s, p := alone(Config{}), of(generated)
				p.ParticipantIdentity = "ada"
				s.deliver(p, sealed)
				if e := s.heard(); len(e) != 1 || e[0].Text != "yes" || e[0].Encrypted != sealed || e[0].Generated != generated {
					t.Errorf("%s, generated %v, sealed %v: %+v", name, generated, sealed, e)
				}
			}
		}
	}
}

// An answer is told whatever its member, and others, send besides; what is dialed
// and no answer is not.
func TestHeardAnswers(t *testing.T) {
	s := alone(Config{Answer: func(e recorder.RoomEvent) bool {
		return e.Type == media.EventChat && e.Text == "no" || e.Type == recorder.EventDialed && e.Text == "1"
	}})
	say := func(from, text string) {
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: text}}}, false)
	}
	dial := func(from, digit string) {
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_SipDtmf{SipDtmf: &lkproto.SipDTMF{Digit: digit}}}, false)
	}
	for range 1000 {
		say("mallory", "spam")
	}
	say("mallory", "no")
	dial("caller", "1")
	for range 1000 {
		say("mallory", "spam")
	}
	for _, digit := range []string{"4", "7", "1", "1"} {
		dial("other caller", digit)
	}
	var got []string
	for _, e := range s.heard() {
		if e.Text != "spam" && e.Type != media.EventDropped {
			got = append(got, e.Participant+" "+string(e.Type)+" "+e.Text)
		}
	}
	if strings.Join(got, ", ") != "mallory chat no, caller dialed 1, other caller dialed 1" {
		t.Errorf("%q", got)
	}
}

// Unfinished streams, as many as anybody begins, leave the recorder able to hear: the
// others, and whoever began them.
func TestUnfinishedStreamsDeafenNobody(t *testing.T) {
	s := alone(Config{Answer: func(e recorder.RoomEvent) bool { return e.Text == "yes" || e.Text == "no" }})
	header := func(from, id string) {
		h := textHeader(id)
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_StreamHeader{StreamHeader: h}}, true)
	}
	say := func(from, id, text string) {
		header(from, id)
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_StreamChunk{StreamChunk: chunkOf(id, 0, text)}}, true)
		s.deliver(&lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_StreamTrailer{StreamTrailer: trailerOf(id)}}, true)
	}
	const begun = 5000
	for n := range begun {
		header(fmt.Sprint("mallory ", n%80), fmt.Sprint(n))
	}
	say("ada", "a", "yes")
	say("mallory 7", "now", "no")
	var got []string
	missed := 0
	for _, e := range s.heard() {
		if e.Type == media.EventDropped {
			missed += e.Count
		} else {
			got = append(got, e.Participant+" "+e.Text)
		}
	}
	if fmt.Sprint(got) != "[ada yes mallory 7 no]" || missed != begun-roomBounds.roomStreams+1 { // one made room for ada's
		t.Errorf("heard %q, %d missed", got, missed)
	}
	s.streamed(s.streams.expire(time.Now().Add(streamIdle)))
	for _, e := range s.heard() {
		missed += e.Count
	}
	if missed != begun {
		t.Errorf("%d missed, %d were begun", missed, begun)
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
	s.finished = true
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
