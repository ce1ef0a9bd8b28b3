package livekit

import (
	"fmt"
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// version is a text stream as agents send it, in one packet.
func version(from, text string, attributes map[string]string) *lkproto.DataPacket {
	h := textHeader("ST_" + text[:min(len(text), 20)])
	h.Topic, h.Attributes, h.InlineContent = transcriptionTopic, attributes, []byte(text)
	return &lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_StreamHeader{StreamHeader: h}}
}

// older is the same in the older form.
func older(from, track, segment, text string, final bool) *lkproto.DataPacket {
	return &lkproto.DataPacket{ParticipantIdentity: from, Value: &lkproto.DataPacket_Transcription{Transcription: &lkproto.Transcription{
		TrackId: track, TranscribedParticipantIdentity: "whoever", Segments: []*lkproto.TranscriptionSegment{{Id: segment, Text: text, Final: final}}}}}
}

func of(track, segment, final string) map[string]string {
	return map[string]string{attrTrack: track, attrSegment: segment, attrFinal: final}
}

func toldOf(e recorder.RoomEvent) string {
	return strings.TrimSpace(fmt.Sprintf("%s by %s: %s %s %q interim %v %v", e.Participant, e.By, e.TrackID, e.Segment, e.Text, e.Interim, e.Size))
}

func TestHeardTranscriptions(t *testing.T) {
	huge := strings.Repeat("x", media.MaxSaid+100)
	for _, tt := range []struct {
		name string
		data []*lkproto.DataPacket
		want []string
	}{
		{"versions", []*lkproto.DataPacket{version("agent", "Good", of("TR_ada", "S1", "false")), version("agent", "Good morning", of("TR_ada", "S1", "true"))},
			[]string{`ada by agent: TR_ada S1 "Good" interim true 0`, `ada by agent: TR_ada S1 "Good morning" interim false 0`}},
		{"one's own", []*lkproto.DataPacket{version("ada", "I say", of("TR_ada", "S1", "true"))}, []string{`ada by : TR_ada S1 "I say" interim false 0`}},
		{"no attributes", []*lkproto.DataPacket{version("ada", "I say", nil)}, []string{`ada by : ST_I say "I say" interim false 0`}},
		{"nobody's track", []*lkproto.DataPacket{version("agent", "He says", of("TR_none", "S1", "true"))}, []string{` by agent: S1 "He says" interim false 0`}},
		{"long attributes", []*lkproto.DataPacket{version("agent", "He", of(huge, huge, huge))}, []string{`agent by : ST_He "He" interim false 0`}},
		{"huge", []*lkproto.DataPacket{version("agent", huge, of("TR_ada", "S1", "true"))},
			[]string{fmt.Sprintf("ada by agent: TR_ada S1 %q interim false %d", huge[:media.MaxSaid], len(huge))}},
		{"controls are kept, what is not UTF-8 is replaced", []*lkproto.DataPacket{version("agent", "a\x1b[2J\xff\u202e", of("TR_ada", "S1", "true"))},
			[]string{`ada by agent: TR_ada S1 "a\x1b[2J�\u202e" interim false 0`}},
		{"older", []*lkproto.DataPacket{older("agent", "TR_ada", "L1", "Goo", false), older("agent", "TR_ada", "L1", "Good", true)},
			[]string{`ada by agent: TR_ada L1 "Goo" interim true 0`, `ada by agent: TR_ada L1 "Good" interim false 0`}},
		{"older, of nobody", []*lkproto.DataPacket{older("agent", "TR_none", "L1", "Good", true), older("agent", "TR_ada", "", "x", true)}, []string{`by agent:  L1 "Good" interim false 0`}},
		// Agents send both, the older one first. The streams count.
		{"both", []*lkproto.DataPacket{older("agent", "TR_ada", "L1", "One", true), version("agent", "One", of("TR_ada", "S1", "true")),
			older("agent", "TR_ada", "L2", "Tw", false), older("agent", "TR_ada", "L2", "Two", true), version("agent", "Two", of("TR_ada", "S2", "true")),
			version("agent", "Two", of("TR_ada", "S3", "true"))},
			[]string{`ada by agent: TR_ada L1 "One" interim false 0`, `ada by agent: TR_ada S1 "" interim false 0`, `ada by agent: TR_ada L2 "" interim false 0`,
				`ada by agent: TR_ada S2 "Two" interim false 0`, `ada by agent: TR_ada S3 "Two" interim false 0`}},
	} {
		s := alone(Config{})
		s.owns("TR_ada", "ada")
		for _, p := range tt.data {
			s.deliver(p, true)
		}
		var got []string
		for _, e := range s.heard() {
			if got = append(got, toldOf(e)); e.Type != media.EventTranscription || !e.Encrypted || e.Since.IsZero() {
				t.Errorf("%s: %+v", tt.name, e)
			}
		}
		for i := range tt.want {
			tt.want[i] = strings.TrimSpace(tt.want[i])
		}
		if strings.ReplaceAll(fmt.Sprintf("%q", got), "  ", " ") != strings.ReplaceAll(fmt.Sprintf("%q", tt.want), "  ", " ") {
			t.Errorf("%s:\n%.300q, want\n%.300q", tt.name, got, tt.want)
		}
	}
}

// The words of an agent itself come as one stream, whose trailer says that it is final;
// what never ends is no final version.
func TestHeardTranscriptionStreams(t *testing.T) {
	s := alone(Config{})
	s.owns("TR_agent", "agent")
	send := func(v any) {
		p := &lkproto.DataPacket{ParticipantIdentity: "agent"}
		switch v := v.(type) {
		case *lkproto.DataStream_Header:
			p.Value = &lkproto.DataPacket_StreamHeader{StreamHeader: v}
		case *lkproto.DataStream_Chunk:
			p.Value = &lkproto.DataPacket_StreamChunk{StreamChunk: v}
		case *lkproto.DataStream_Trailer:
			p.Value = &lkproto.DataPacket_StreamTrailer{StreamTrailer: v}
		}
		s.deliver(p, true)
	}
	for _, id := range []string{"s", "t"} {
		h := textHeader(id)
		h.Topic, h.Attributes = transcriptionTopic, of("TR_agent", id, "false")
		send(h)
		send(chunkOf(id, 0, "How can "))
		send(chunkOf(id, 1, "I help?"))
	}
	tr := trailerOf("s")
	tr.Attributes = map[string]string{attrFinal: "true"}
	send(tr)
	s.streamed(s.streams.giveUp())
	var got []string
	for _, e := range s.heard() {
		got = append(got, toldOf(e))
	}
	if want := `[agent by : TR_agent s "How can I help?" interim false 0 agent by : TR_agent t "How can I help?" interim true 0]`; fmt.Sprint(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Who writes down too much what others say loses their own, not what those write.
func TestTranscribersHaveShares(t *testing.T) {
	s := alone(Config{})
	s.owns("TR_ada", "ada")
	for n := range 1000 {
		s.deliver(version("mallory", fmt.Sprint(n), of("TR_ada", fmt.Sprint(n), "true")), false)
	}
	s.deliver(version("ada", "mine", of("TR_ada", "S", "true")), false)
	s.deliver(&lkproto.DataPacket{ParticipantIdentity: "ada", Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: "hello"}}}, false)
	events := s.heard()
	n := len(events)
	if n != memberWaits+3 || events[n-3].Text != "mine" || events[n-2].Text != "hello" {
		t.Fatalf("%d events, then %+v", n, events[max(0, n-3):])
	}
	if e := events[n-1]; e.Type != media.EventDropped || e.Participant != "mallory" || e.Reason != "transcription" || e.Count != 1000-memberWaits {
		t.Errorf("then %+v", e)
	}
}

// FuzzTranscriptions: whatever an agent sends, each version that is told is bounded, is
// of one whom the recorder knows or of nobody, and tables stay small.
func FuzzTranscriptions(f *testing.F) {
	for _, p := range []*lkproto.DataPacket{version("agent", "Good", of("TR_ada", "S1", "false")), older("agent", "TR_ada", "L1", "Good", true)} {
		b, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		s := alone(Config{})
		s.owns("TR_ada", "ada")
		for _, b := range [][]byte{one, other, one} {
			if p, sealed, err := openData(nil, b); err == nil {
				s.deliver(p, sealed)
			}
		}
		s.streamed(s.streams.giveUp())
		for _, e := range s.heard() {
			if e.Type != media.EventTranscription {
				continue
			}
			if len(e.Text) > media.MaxSaid || len(e.Segment) > maxStreamID || len(e.TrackID) > maxAttribute || e.Segment == "" || e.TrackID != "" && e.Participant != "ada" {
				t.Errorf("%+v", e)
			}
		}
		if len(s.transcribers.owners) > maxOwners || len(s.transcribers.twins) > maxTwins {
			t.Error("a table grows")
		}
	})
}
