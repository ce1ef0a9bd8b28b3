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
//   - a pause of 30 s makes it forget the drift, and begin anew by arrival;
//   - a sender whose RTP time jumps, stands still or runs ahead is off by that much
//     for long, or for good.
//
// It is a module of its own, for pkg/synchronizer needs modules that nothing else
// here does.
package yardstick

import (
	"context"
	"fmt"
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
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/clock"
	"github.com/sealtape/sealtape/testdata/sample"
)

const (
	length = 2 * time.Hour
	round  = 100 * time.Microsecond
)

func TestAgainstSyncEngine(t *testing.T) {
	senders := clock.Meeting()
	ours, theirs := played(t, senders, length)
	show := func(name string, reel *clock.Reel) (worst, mean time.Duration) {
		var s clock.Spread
		for _, puts := range reel.Puts {
			for _, p := range puts {
				s.Add(p.Captured, p.At)
			}
		}
		worst, mean = s.Apart(0)
		later, _ := s.Apart(time.Minute)
		t.Logf("two tracks over %v, %-10s: at most %8v apart, after the first minute %8v, in the mean %8v",
			length, name, worst.Round(round), later.Round(round), mean.Round(round))
		return worst, mean
	}
	w, m := show("ours", ours)
	if tw, tm := show("SyncEngine", theirs); w > tw || m > tm {
		t.Error("SyncEngine is better: use it")
	}
}

// Both are held against the same meetings with one odd track: how far off its
// frames are a moment after all goes well again, and how many have no place at all.
func TestOddSenders(t *testing.T) {
	rows := clock.Rows()
	for n := range sample.Cases(t, len(rows), 4) {
		row := rows[n]
		odd := clock.Odds[n%len(clock.Odds)]
		senders := row.Senders(odd)
		ours, theirs := played(t, senders, row.Length)
		off := func(r *clock.Reel) string {
			puts := r.Puts[senders[odd].Label()]
			right, _ := row.Off(puts, r.Usually())
			said := right.Round(round).String()
			if lost := len(ours.Puts[senders[odd].Label()]) - len(puts); lost > 0 {
				said += fmt.Sprintf(", %d lost", lost)
			}
			return said
		}
		t.Logf("odd sender: %-34s %-10s off by at most %8s, SyncEngine %8s", row.Name, senders[odd].Info.Source, off(ours), off(theirs))
	}
}

// played lets both place the frames of a meeting.
func played(t *testing.T, senders []*clock.Sender, length time.Duration) (ours, theirs *clock.Reel) {
	lklog.SetLogger(lklog.GetDiscardLogger(), "yardstick")
	ours, theirs = &clock.Reel{}, &clock.Reel{Puts: make(map[string][]clock.Put)}
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("clocks")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "CLOCKS", Sink: ours, Notices: recorder.Notices{Start: "recording"}}).Record(ctx, room)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		engine := synchronizer.NewSyncEngine(synchronizer.WithSyncEngineOldPacketThreshold(0))
		lines := make([]*line, len(senders))
		for i, s := range senders {
			remote := remoteTrack{s.Info, webrtc.SSRC(i + 1)}
			lines[i] = &line{sender: s, track: engine.AddTrack(remote, s.Info.Participant)}
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
	return ours, theirs
}

// A line is a track's way through a jitter buffer to their clock.
type line struct {
	sender *clock.Sender
	track  synchronizer.TrackSync
	order  []jitter.ExtPacket // came before one sent earlier
	ssrc   uint32
	next   uint16
}

func (l *line) push(t *testing.T, p jitter.ExtPacket, r *clock.Reel) {
	if p.SSRC != l.ssrc { // the first to come was sent first
		l.ssrc, l.next, l.order = p.SSRC, p.SequenceNumber, nil
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
				continue // it has no place for the frame
			}
			data := p.Payload
			if !l.sender.Info.Codec.Audio() {
				data = data[1:] // its payload descriptor
			}
			captured, ok := clock.Captured(l.sender.Info.Codec, data)
			if !ok {
				t.Fatal("a packet without its time")
			}
			r.Puts[l.sender.Label()] = append(r.Puts[l.sender.Label()], clock.Put{Captured: captured, At: put})
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
