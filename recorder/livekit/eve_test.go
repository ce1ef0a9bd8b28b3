package livekit

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// eve is a member who does what a script says, of which each byte is a choice.
type eve struct {
	t      testing.TB
	m      *meeting
	keys   recorder.KeyProvider
	script []byte

	wait   int // steps that she does nothing
	visit  int
	tracks []*evesTrack
	sent   int
}

type evesTrack struct {
	*roomtest.Track
	seal *frame.Encrypter
	seq  uint16
	ts   uint32
	over bool
	flow func() // what it sends at each step, nil for nothing
}

// next is the script's next byte, 0 at its end.
func (e *eve) next() byte {
	if len(e.script) == 0 {
		return 0
	}
	b := e.script[0]
	e.script = e.script[1:]
	return b
}

// one of n choices.
func (e *eve) one(n int) int { return int(e.next()) % n }

// few are some bytes of the script itself.
func (e *eve) few() []byte {
	b := e.script[:min(e.one(40), len(e.script))]
	e.script = e.script[len(b):]
	return b
}

func (e *eve) long() uint32 {
	return binary.LittleEndian.Uint32([]byte{e.next(), e.next(), e.next(), e.next()})
}

// text is a short one of the script's, or a long one.
func (e *eve) text() string {
	if n := e.one(8); n > 5 {
		return strings.Repeat("\x01é<", n<<5)
	}
	return string(e.few())
}

// act does what is due before the next step.
func (e *eve) act() {
	for _, t := range e.tracks {
		if t.flow != nil && !t.over {
			t.flow()
		}
	}
	if e.wait > 0 {
		e.wait--
		return
	}
	for range 32 {
		if len(e.script) == 0 {
			return
		}
		switch e.one(16) {
		case 0:
			e.wait = e.one(40)
			return
		case 1, 2:
			e.publish()
		case 3, 4:
			e.send(1+e.one(4)*e.one(40), false)
		case 5, 6:
			e.send(e.one(3), true)
		case 7:
			e.report()
		case 8:
			if t := e.track(); t != nil {
				id := t.Info().ID
				typ := []media.EventType{media.EventMute, media.EventUnmute, recorder.EventHeld, recorder.EventSent}[e.one(4)]
				e.m.r.emit(recorder.RoomEvent{Type: typ, Participant: "eve", TrackID: id})
			}
		case 9:
			if t := e.track(); t != nil {
				t.over = true
				t.End()
			}
		case 10:
			e.comeOrGo()
		case 11:
			typ := []media.EventType{media.EventHole, media.EventLeftOut, media.EventQuality, media.EventSpeaking, media.EventConsent}[e.one(5)]
			e.m.r.emit(recorder.RoomEvent{Type: typ, Participant: "eve", Reason: e.text(), Text: e.text(), Speakers: []string{"eve"}})
		case 12:
			e.m.s.receive(webrtc.DataChannelMessage{Data: e.few(), IsString: e.one(8) == 0})
		default:
			e.data()
		}
	}
}

// track is one of eve's that go on.
func (e *eve) track() *evesTrack {
	if len(e.tracks) == 0 {
		return nil
	}
	if t := e.tracks[e.one(len(e.tracks))]; !t.over {
		return t
	}
	return nil
}

func (e *eve) publish() {
	if len(e.tracks) >= 40 {
		return
	}
	what, how := e.one(12), e.next()
	codec := []media.Codec{media.Opus, media.VP8, media.VP9, media.H264, media.H265, media.AV1, "audio/pcmu"}[what%7]
	info := recorder.TrackInfo{ID: fmt.Sprint("TR_eve", len(e.tracks)%35), Participant: "eve", Name: e.text(), Codec: codec, ClockRate: 90000,
		Source: []media.Source{media.Microphone, media.Camera, media.Screen, "?"}[how&3], Encrypted: how&4 == 0, RED: how&0x18 == 8, PacketTrailer: how&16 != 0}
	if codec.Audio() {
		info.ClockRate, info.Channels = 48000, 2
	}
	if how&32 != 0 {
		info.SIFTrailer = []byte("sif")
	}
	if how&64 != 0 {
		info.SenderKind = recorder.SenderSIP
	}
	if how&128 != 0 {
		info.Wanted = time.Now().Add(-time.Duration(e.next()) * 100 * time.Millisecond)
	}
	t := &evesTrack{Track: e.m.publish(info), seq: uint16(e.long()), ts: e.long()}
	t.seal = frame.NewEncrypter(codec, e.keys.Keyring("eve"), 0, uint32(len(e.tracks)))
	e.tracks = append(e.tracks, t)
}

// send sends packets, now or at each step from now on.
func (e *eve) send(packets int, flow bool) {
	t := e.track()
	if t == nil {
		return
	}
	how, odd, ticks := e.next(), e.next(), uint32(960)
	seq := uint16(1)
	if !t.Info().Codec.Audio() {
		ticks = 1800
	}
	switch odd & 15 {
	case 1:
		t.seq = uint16(e.long())
	case 2:
		t.ts = e.long()
	case 3:
		ticks = -ticks
	case 4:
		seq = uint16(e.one(5)) - 2
	case 5:
		ticks = uint32(e.one(8)) * 480
	case 6:
		t.ts += uint32(int32(int8(e.next()))) * 9600
	}
	late := time.Duration(0) // it was received before, and read now
	if odd&16 != 0 {
		late = time.Duration(e.next()) * 4 * time.Millisecond
	}
	body := e.body(t, how&3 != 0)
	head := 0
	if t.Info().Codec == media.VP8 {
		head = 1
	}
	each := func() {
		at := time.Now().Add(-late)
		for range packets {
			if e.sent >= evePackets {
				return
			}
			e.sent++
			t.seq, t.ts = t.seq+seq, t.ts+ticks
			load := body
			if how&4 == 0 && len(body) > head {
				if sealed, err := t.seal.Encrypt(nil, body[head:], t.ts); err == nil {
					load = append(body[:head:head], sealed...)
				}
			}
			if how&0x18 == 0x18 {
				load = append(load[:len(load):len(load)], "sif"...)
			}
			t.SendAt(at, &rtp.Packet{Header: rtp.Header{Version: 2, Marker: how&32 == 0, SequenceNumber: t.seq, Timestamp: t.ts, SSRC: uint32(how >> 7)}, Payload: load})
		}
	}
	if t.flow = nil; flow {
		t.flow = each
	} else {
		each()
	}
}

// body is what is in a packet: the script's own bytes, or what looks like media.
func (e *eve) body(t *evesTrack, plausible bool) []byte {
	if !plausible {
		return e.few()
	}
	size := []int{1, 3, 40, 1200}[e.one(4)]
	fill := make([]byte, size)
	for i := range fill {
		fill[i] = byte(i)
	}
	switch t.Info().Codec {
	case media.Opus:
		return append([]byte{e.next()}, fill...)
	case media.VP8:
		key := []byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, e.next(), e.next(), e.next(), e.next()}
		return append(key, fill...)
	case media.VP9:
		return append([]byte{0x0c | e.next(), 0x82, 0x49, 0x83, 0x42, 0, e.next(), e.next(), e.next()}, fill...)
	case media.H264:
		return append([]byte{[]byte{0x67, 0x68, 0x65, 0x41, 0x7c, 0x78}[e.one(6)], e.next(), e.next(), e.next()}, fill...)
	default:
		return append(e.few(), fill...)
	}
}

func (e *eve) report() {
	t := e.track()
	if t == nil || e.sent >= evePackets {
		return
	}
	now := time.Now()
	off := []time.Duration{0, time.Millisecond, time.Second, -time.Second, time.Hour, -40 * 365 * 24 * time.Hour, 1 << 62}[e.one(7)]
	r := recorder.SenderReport{NTP: now.Add(off), RTP: t.ts, Arrival: now}
	if e.one(2) == 1 {
		r.RTP = e.long()
	}
	e.sent++
	t.seq++
	t.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: t.seq, Timestamp: t.ts}}, r)
}

func (e *eve) comeOrGo() {
	how := e.next()
	if how&1 != 0 {
		e.visit++
	}
	p := here("eve", fmt.Sprint("PA_eve", e.visit), int64(how>>4))
	if how&2 != 0 {
		p.State = lkproto.ParticipantInfo_DISCONNECTED
	}
	p.Kind = lkproto.ParticipantInfo_Kind(how >> 2 & 7)
	p.Name, p.Metadata, p.Attributes = e.text(), e.text(), map[string]string{e.text(): e.text()}
	if how&64 != 0 {
		p.Tracks = []*lkproto.TrackInfo{{Sid: e.text(), Type: lkproto.TrackType(how & 3), Name: e.text(), MimeType: e.text(), Layers: []*lkproto.VideoLayer{nil}}, nil}
	}
	// What a fault costs is the message; the server goes on.
	_ = e.m.s.handler().HandleMessage(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_Update{Update: &lkproto.ParticipantUpdate{Participants: []*lkproto.ParticipantInfo{p}}}})
}

// data sends a message of a kind that clients have.
func (e *eve) data() {
	how, id := e.next(), string('a'+e.next()%4)
	p := &lkproto.DataPacket{ParticipantIdentity: "eve"}
	switch how & 7 {
	case 0, 1:
		h := &lkproto.DataStream_Header{StreamId: id, Topic: []string{"lk.chat", "reactions", e.text(), transcriptionTopic}[e.one(4)], Attributes: of("TR_ada", id, e.text()),
			ContentHeader: &lkproto.DataStream_Header_TextHeader{TextHeader: &lkproto.DataStream_TextHeader{}}}
		if how&8 != 0 {
			h.ContentHeader = &lkproto.DataStream_Header_ByteHeader{ByteHeader: &lkproto.DataStream_ByteHeader{Name: e.text()}}
		}
		if how&16 != 0 {
			h.TotalLength = proto.Uint64(uint64(e.long()) << (how >> 4))
		}
		if how&32 != 0 {
			h.InlineContent, h.Compression = []byte(e.text()), lkproto.DataStream_CompressionType(how>>6)
		}
		p.Value = &lkproto.DataPacket_StreamHeader{StreamHeader: h}
	case 2, 3:
		p.Value = &lkproto.DataPacket_StreamChunk{StreamChunk: &lkproto.DataStream_Chunk{StreamId: id, ChunkIndex: uint64(how >> 3), Content: []byte(e.text())}}
	case 4:
		p.Value = &lkproto.DataPacket_StreamTrailer{StreamTrailer: &lkproto.DataStream_Trailer{StreamId: id, Attributes: map[string]string{"a": "b"}}}
	case 5:
		p.Value = &lkproto.DataPacket_User{User: &lkproto.UserPacket{Topic: proto.String([]string{"lk-chat-topic", "reactions", e.text()}[e.one(3)]), Payload: []byte(e.text())}}
	case 6:
		p.Value = &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: e.text(), Deleted: how&8 != 0}}
	case 7:
		if how&8 != 0 {
			p.Value = older("eve", []string{"TR_ada", "TR_eve", e.text()}[e.one(3)], id, e.text(), how&16 != 0).Value
			break
		}
		p.Value = &lkproto.DataPacket_SipDtmf{SipDtmf: &lkproto.SipDTMF{Digit: e.text()}}
	}
	b, err := proto.Marshal(p)
	if err != nil {
		return // a text that is none
	}
	if how&128 != 0 {
		b = packed(e.t, e.keys.Keyring("eve"), p)
	}
	for range 1 + int(how>>6&1)*15 {
		e.m.s.receive(webrtc.DataChannelMessage{Data: b})
	}
}
