package livekit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"testing"
	"testing/synctest"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// FuzzRoom: whatever one member of an encrypted room does, with its keys or without,
// comes, goes and comes again, publishes, sends as media and as data, Record returns
// nil, and of the others every frame is kept, once, in its order and where it was
// heard, every message and nobody's absence. A script is what eve does.
func FuzzRoom(f *testing.F) {
	for seed := range 8 {
		script := make([]byte, 300)
		rand.New(rand.NewSource(int64(seed))).Read(script)
		f.Add(script)
	}
	honest := speak(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) { honest.meet(t, &eve{script: script[:min(len(script), 400)]}) })
	})
}

const (
	step       = 20 * time.Millisecond
	steps      = 100
	sayEvery   = 25  // steps between two messages of ada's
	evePackets = 500 // of all that eve sends, to keep a meeting short
)

// honest is what ada and bob send.
type honest struct {
	keys  *recorder.ParticipantKeys
	sound [steps]*rtp.Packet     // ada's
	video [steps / 2]*rtp.Packet // bob's
	said  [steps / sayEvery][]byte
}

func (*honest) pictures(n int) []byte {
	if n%20 == 0 {
		return []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, byte(n), byte(n >> 8)}
	}
	return []byte{0x11, 0, 0, byte(n), byte(n >> 8), 1, 2, 3, 4, 5, 6}
}

func (*honest) sounds(n int) []byte { return []byte{0xf8, byte(n), byte(n >> 8), 7} }

// speak makes what ada and bob will send.
func speak(t testing.TB) *honest {
	h := &honest{keys: recorder.NewParticipantKeys(4, frame.KeyOptions{})}
	for _, who := range []string{"ada", "bob", "eve"} {
		if err := h.keys.Keyring(who).SetRaw(0, []byte("the key of "+who), frame.HKDF); err != nil {
			t.Fatal(err)
		}
	}
	seal := func(e *frame.Encrypter, b []byte, ts uint32) []byte {
		out, err := e.Encrypt(nil, b, ts)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ada, bob := frame.NewEncrypter(media.Opus, h.keys.Keyring("ada"), 0, 1), frame.NewEncrypter(media.VP8, h.keys.Keyring("bob"), 0, 2)
	for n := range h.sound {
		ts := uint32(4294960000 + 960*n)
		h.sound[n] = &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(65500 + n), Timestamp: ts, SSRC: 1}, Payload: seal(ada, h.sounds(n), ts)}
	}
	for n := range h.video {
		ts := uint32(1000 + 3600*n)
		h.video[n] = &rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: uint16(n), Timestamp: ts, SSRC: 2},
			Payload: append([]byte{0x10}, seal(bob, h.pictures(n), ts)...)}
	}
	for n := range h.said {
		h.said[n] = packed(t, h.keys.Keyring("ada"), &lkproto.DataPacket{ParticipantIdentity: "ada",
			Value: &lkproto.DataPacket_ChatMessage{ChatMessage: &lkproto.ChatMessage{Message: fmt.Sprint("ada says ", n)}}})
	}
	return h
}

// packed is a data message as the server passes it on, sealed if there is a ring.
func packed(t testing.TB, ring *frame.Keyring, p *lkproto.DataPacket) []byte {
	if ring != nil {
		sealed, err := e2ee.NewDataCryptor(dataKeys{ring}).Encrypt(p)
		if err != nil {
			t.Fatal(err)
		}
		p = sealed
	}
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A meeting is a Room whose server is the test: the session takes what it says and
// the data, and the fake holds the tracks.
type meeting struct {
	*seam
	fake *roomtest.Room
}

func (m *meeting) Name() string                                           { return "r" }
func (m *meeting) Announce(context.Context, string) error                 { return nil }
func (m *meeting) Roster() *recorder.Roster                               { return m.r.Roster() }
func (m *meeting) Accept(ctx context.Context) (recorder.RoomEvent, error) { return m.r.Accept(ctx) }
func (m *meeting) Close() error                                           { return errors.Join(m.fake.Close(), m.r.Close()) }

func (m *meeting) publish(info recorder.TrackInfo) *roomtest.Track {
	t := m.fake.Publish(info)
	e, err := m.fake.Accept(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	m.r.emit(e)
	return t
}

// meet records a meeting of two seconds with eve, and looks what is kept of it.
func (h *honest) meet(t *testing.T, eve *eve) {
	m := &meeting{seam: newSeam(t), fake: roomtest.New("r")}
	if _, err := m.s.handleEngine(); err != nil {
		t.Fatal(err)
	}
	m.s.r.c.Keys = h.keys
	m.s.listed(list("RM_1", here("ada", "PA_ada", 1), here("bob", "PA_bob", 1)))
	m.r.start(m.s)
	eve.m, eve.keys, eve.t = m, h.keys, t

	out := new(roomtest.Sink)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var report recorder.Report
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		report, failed = recorder.New(recorder.Config{Recording: "FUZZ", Sink: out, Keys: h.keys, Notices: recorder.Notices{Start: "recorded"},
			Plaintext: []string{recorder.SenderSIP}, Segment: time.Second, KeyFrames: recorder.Never}).Record(ctx, m)
	}()
	info := recorder.TrackInfo{ID: "TR_ada", Participant: "ada", Name: "ADA", Source: media.Microphone, Codec: media.Opus, ClockRate: 48000, Channels: 2, Encrypted: true}
	ada := m.publish(info)
	info.ID, info.Participant, info.Name, info.Source, info.Codec, info.ClockRate, info.Channels = "TR_bob", "bob", "BOB", media.Camera, media.VP8, 90000, 0
	bob := m.publish(info)
	for n := range steps {
		ada.Send(h.sound[n])
		if n%2 == 0 && n/2 < len(h.video) {
			bob.Send(h.video[n/2])
		}
		if n%sayEvery == 0 {
			m.s.receive(webrtc.DataChannelMessage{Data: h.said[n/sayEvery]})
		}
		eve.act()
		time.Sleep(step)
	}
	stop()
	<-done
	m.s.finish()
	if failed != nil {
		t.Fatalf("Record: %v", failed)
	}
	h.check(t, out, report.Duration)
}

// check looks whether all of ada and bob is kept.
func (h *honest) check(t *testing.T, out *roomtest.Sink, end time.Duration) {
	frames, events, tracks, err := out.Read()
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	last := make(map[uint64]time.Duration)
	for _, f := range frames {
		who := tracks[f.Track].Participant
		n := count[who]
		count[who]++
		if f.Time < last[f.Track] || f.Time > end {
			t.Errorf("%s's frame at %v, after one at %v, of a recording of %v", who, f.Time, last[f.Track], end)
		}
		last[f.Track] = f.Time
		at, want := time.Duration(n)*step, h.sounds(n)
		switch who {
		case "ada":
		case "bob":
			at, want = 2*at, h.pictures(n)
		default:
			continue
		}
		if !bytes.Equal(f.Data, want) || (f.Time-at).Abs() > 10*time.Millisecond {
			t.Fatalf("%s's frame %d is %x at %v, want %x at %v", who, n, f.Data, f.Time, want, at)
		}
	}
	if count["ada"] != len(h.sound) || count["bob"] != len(h.video) {
		t.Errorf("%d frames of ada and %d of bob, want %d and %d", count["ada"], count["bob"], len(h.sound), len(h.video))
	}
	said := 0
	for _, e := range events {
		if e.Participant != "ada" && e.Participant != "bob" || e.Type == media.EventTranscription && e.By == "eve" {
			continue
		}
		switch e.Type {
		case media.EventChat:
			if e.Text != fmt.Sprint("ada says ", said) {
				t.Errorf("ada said %q, want her message %d", e.Text, said)
			}
			said++
		case media.EventJoin, media.EventTrack, media.EventTrackEnd, media.EventKeys, media.EventSize:
		default:
			t.Errorf("told of %s: %+v", e.Participant, e)
		}
	}
	if said != len(h.said) {
		t.Errorf("%d messages of ada's, want %d", said, len(h.said))
	}
}
