// Package yardstick holds the recorder's clock against that of LiveKit's own
// recorders, SyncEngine of server-sdk-go v2.18.1 (pkg/synchronizer), on the same
// packets and sender reports. Ours is used because theirs does not keep to 40 ms:
//
//   - it takes the arrival of a track's first packet for its beginning, and then
//     goes over to sender reports by 5 ms a second, so a first packet that was late
//     is heard for a quarter of a minute;
//   - it believes reports only within 500 ms of times that it counts from the first
//     packet on by the sender's own crystal. At 200 ppm these are that far off after
//     42 minutes, and from then on the drift is in the recording;
//   - a pause of 30 s makes it forget the drift, and begin anew by arrival.
//
// It is a module of its own, for pkg/synchronizer needs modules that nothing else
// here does.
package yardstick

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livekit/media-sdk/jitter"
	lklog "github.com/livekit/protocol/logger"
	"github.com/livekit/server-sdk-go/v2/pkg/synchronizer"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/clock"
)

const length = 2 * time.Hour

func TestAgainstSyncEngine(t *testing.T) {
	lklog.SetLogger(lklog.GetDiscardLogger(), "yardstick")
	ours, theirs := &sink{codecs: make(map[uint64]media.Codec)}, &clock.Spread{}
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("clocks")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "CLOCKS", Sink: ours, Announcement: "recording"}).Record(ctx, room)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		engine := synchronizer.NewSyncEngine(synchronizer.WithSyncEngineOldPacketThreshold(0))
		senders := clock.Meeting()
		lines := make([]*line, len(senders))
		for i, s := range senders {
			remote := remoteTrack{s.Info, webrtc.SSRC(i + 1)}
			lines[i] = &line{codec: s.Info.Codec, track: engine.AddTrack(remote, s.Info.Participant)}
		}
		clock.Play(room, senders, length, func(i int, d clock.Delivery) {
			if d.Packet == nil {
				engine.OnRTCP(&rtcp.SenderReport{SSRC: uint32(i + 1), NTPTime: ntp(start.Add(d.NTP)), RTPTime: d.RTP})
				return
			}
			lines[i].push(t, jitter.ExtPacket{Packet: d.Packet, ReceivedAt: start.Add(d.Arrival)}, theirs)
		})
		time.Sleep(2 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		engine.End()
	})

	show := func(name string, s *clock.Spread) (worst, mean time.Duration) {
		worst, mean = s.Apart(0)
		later, _ := s.Apart(time.Minute)
		const round = 100 * time.Microsecond
		t.Logf("two tracks over %v, %-10s: at most %8v apart, after the first minute %8v, in the mean %8v",
			length, name, worst.Round(round), later.Round(round), mean.Round(round))
		return worst, mean
	}
	w, m := show("ours", &ours.spread)
	if tw, tm := show("SyncEngine", theirs); w > tw || m > tm {
		t.Error("SyncEngine is better: use it")
	}
}

// A line is a track's way through a jitter buffer to their clock.
type line struct {
	codec media.Codec
	track synchronizer.TrackSync
	order []jitter.ExtPacket // came before one sent earlier
	next  uint16
	begun bool
}

func (l *line) push(t *testing.T, p jitter.ExtPacket, s *clock.Spread) {
	if !l.begun { // the first to come may not be the first sent
		l.begun, l.next = true, p.SequenceNumber
	}
	if int16(p.SequenceNumber-l.next) < 0 {
		return
	}
	l.order = append(l.order, p)
	for {
		i := slices.IndexFunc(l.order, func(p jitter.ExtPacket) bool { return p.SequenceNumber == l.next })
		if i < 0 {
			return
		}
		p := l.order[i]
		l.order = slices.Delete(l.order, i, i+1)
		l.next++
		ready, _, _ := l.track.PrimeForStart(p)
		for _, p := range ready {
			put, err := l.track.GetPTS(p)
			if err != nil {
				t.Fatal(err)
			}
			data := p.Payload
			if !l.codec.Audio() {
				data = data[1:] // its payload descriptor
			}
			captured, ok := clock.Captured(l.codec, data)
			if !ok {
				t.Fatal("a packet without its time")
			}
			s.Add(captured, put)
		}
	}
}

// ntp converts a time to the 64-bit form of RFC 5905.
func ntp(t time.Time) uint64 {
	const unixEpoch = 2208988800
	return uint64(t.Unix()+unixEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// A remoteTrack is what their clock wants to know of a track.
type remoteTrack struct {
	info recorder.TrackInfo
	ssrc webrtc.SSRC
}

func (r remoteTrack) ID() string        { return r.info.ID }
func (r remoteTrack) SSRC() webrtc.SSRC { return r.ssrc }

func (r remoteTrack) Kind() webrtc.RTPCodecType {
	if r.info.Codec.Audio() {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

func (r remoteTrack) Codec() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: r.Kind().String() + "/" + string(r.info.Codec), ClockRate: uint32(r.info.ClockRate)}}
}

// A sink measures segments and forgets them.
type sink struct {
	n      [2]int
	codecs map[uint64]media.Codec
	spread clock.Spread
}

type object struct {
	bytes.Buffer
	s      *sink
	kind   recorder.Kind
	number int
}

func (s *sink) Create(k recorder.Kind) (recorder.Object, error) {
	s.n[k]++
	return &object{s: s, kind: k, number: s.n[k] - 1}, nil
}

func (o *object) Number() int  { return o.number }
func (o *object) Epoch() int   { return 1 }
func (o *object) Abort() error { return nil }

func (o *object) Commit() error {
	if o.kind != recorder.Segment {
		return nil
	}
	r, err := matroska.NewReader(&o.Buffer)
	if err != nil {
		return err
	}
	for _, t := range r.Header().Tracks {
		o.s.codecs[t.UID] = t.Codec
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if b.Event == nil {
			if at, ok := clock.Captured(o.s.codecs[b.Frame.Track], b.Frame.Data); ok {
				o.s.spread.Add(at, b.Frame.Time)
			}
		}
	}
}
