package livekit_test

import (
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// hostilePackets are what a member can send who has no key of the room and no
// SDK: each would be a client's fault at least.
func hostilePackets() map[string][]*lkproto.DataPacket {
	header := func(h *lkproto.DataStream_Header) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_StreamHeader{StreamHeader: h}}
	}
	text := func(id string, attributes map[string]string) *lkproto.DataPacket {
		return header(&lkproto.DataStream_Header{StreamId: id, Topic: "lk.chat", MimeType: "text/plain", Attributes: attributes,
			ContentHeader: &lkproto.DataStream_Header_TextHeader{TextHeader: &lkproto.DataStream_TextHeader{}}})
	}
	chunk := func(id string, n uint64, content string) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_StreamChunk{StreamChunk: &lkproto.DataStream_Chunk{StreamId: id, ChunkIndex: n, Content: []byte(content)}}}
	}
	trailer := func(id string, attributes map[string]string) *lkproto.DataPacket {
		return &lkproto.DataPacket{Value: &lkproto.DataPacket_StreamTrailer{StreamTrailer: &lkproto.DataStream_Trailer{StreamId: id, Attributes: attributes}}}
	}
	some := map[string]string{"a": "b"}
	huge := uint64(1<<63 + 7)
	return map[string][]*lkproto.DataPacket{
		"a trailer with attributes, a header without": {text("s1", nil), trailer("s1", some)},
		"a stream that ends twice":                    {text("s2", some), trailer("s2", some), trailer("s2", some), chunk("s2", 0, "late")},
		"a stream that begins twice":                  {text("s3", some), text("s3", nil), chunk("s3", 0, "x"), trailer("s3", some)},
		"a stream of exabytes": {header(&lkproto.DataStream_Header{StreamId: "s4", Topic: "lk.chat", TotalLength: &huge,
			ContentHeader: &lkproto.DataStream_Header_TextHeader{TextHeader: &lkproto.DataStream_TextHeader{}}}), chunk("s4", huge, "x"), trailer("s4", some)},
		"a header without a kind":    {header(&lkproto.DataStream_Header{StreamId: "s5", Topic: "lk.chat"}), chunk("s5", 0, "x"), trailer("s5", some)},
		"chunks and a trailer alone": {chunk("", 0, ""), chunk("none", 7, "x"), trailer("none", some), trailer("", nil)},
		"empty packets": {{}, {Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{}}},
			{Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{}}}, {Value: &lkproto.DataPacket_SipDtmf{SipDtmf: &lkproto.SipDTMF{}}},
			{Value: &lkproto.DataPacket_RpcRequest{RpcRequest: &lkproto.RpcRequest{}}}, {Value: &lkproto.DataPacket_RpcAck{RpcAck: &lkproto.RpcAck{}}},
			{Value: &lkproto.DataPacket_RpcResponse{RpcResponse: &lkproto.RpcResponse{}}},
			{Value: &lkproto.DataPacket_Transcription{Transcription: &lkproto.Transcription{}}},
			{Value: &lkproto.DataPacket_Metrics{Metrics: &lkproto.MetricsBatch{}}},
			{Value: &lkproto.DataPacket_EncryptedPacket{EncryptedPacket: &lkproto.EncryptedPacket{}}}},
		"what does not open": {{Value: &lkproto.DataPacket_EncryptedPacket{EncryptedPacket: &lkproto.EncryptedPacket{
			KeyIndex: 1<<32 - 1, Iv: make([]byte, 3), EncryptedValue: []byte(strings.Repeat("x", 1000))}}}},
		"a remote procedure": {{Value: &lkproto.DataPacket_RpcRequest{RpcRequest: &lkproto.RpcRequest{Id: "r", Method: "m", Version: 9}}},
			{Value: &lkproto.DataPacket_RpcResponse{RpcResponse: &lkproto.RpcResponse{RequestId: "r", Value: &lkproto.RpcResponse_Error{Error: &lkproto.RpcError{}}}}}},
	}
}

// A member without the room's key sends data that no client would make: the
// recording of the others goes on, and so does the chat.
func TestHostileDataEndsNothing(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := someone(t, ctx, s, s.URL, "r", "ada")
	mallory, err := members.Intrude(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret},
		members.Grant{Room: "r", Identity: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mallory.Leave)
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	l.hears(0)
	for what, packets := range hostilePackets() {
		for _, reliable := range []bool{true, false} {
			if err := mallory.SendRaw("bot", reliable, packets...); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	// What comes after them on the same channels is heard: they were read.
	ada.Say("Still here?")
	var at time.Duration
	l.until("what ada wrote", func(_ []media.Frame, events []media.Event) bool {
		for _, e := range kind(events, media.EventChat) {
			if e.Participant == "ada" && e.Text == "Still here?" {
				at = e.Time
			}
		}
		return at > 0
	})
	l.until("two more seconds of ada", func(frames []media.Frame, _ []media.Event) bool {
		return after(frames, 1, at+time.Second) > 25 && after(frames, 2, at+time.Second) > 10
	})
	l.stop()
	l.wait()
	l.check("")
}
