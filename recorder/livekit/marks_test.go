package livekit_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	wmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// The frames here decode to nothing, but have the headers that packets, server
// and recorder look at. Behind them comes a mark: who sent it, and its number.
const (
	markAt    = 10 // behind the longest header, a VP8 key frame's
	markSize  = 8
	audioSize = 80
	deltaSize = 1500 // two packets
	keySize   = 6000 // six
	audioTime = 20 * time.Millisecond
	videoTime = 40 * time.Millisecond
)

func marked(codec media.Codec, key bool, sender, n uint32) []byte {
	var f []byte
	switch {
	case codec == media.Opus:
		f = make([]byte, audioSize)
		f[0] = 0xf8 // CELT, 20 ms, mono, one frame
	case key:
		f = make([]byte, keySize)
		copy(f, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}) // 1280x720
	default:
		f = make([]byte, deltaSize)
		f[0] = 0x11
	}
	binary.BigEndian.PutUint32(f[markAt:], sender)
	binary.BigEndian.PutUint32(f[markAt+4:], n)
	return f
}

func mark(f []byte) (sender, n uint32, ok bool) {
	if len(f) < markAt+markSize {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(f[markAt:]), binary.BigEndian.Uint32(f[markAt+4:]), true
}

// Where a publisher leaves holes, these frames are published, but never sent:
// their packets are lost before anybody could keep them to send them again.
func unsent(codec media.Codec, n uint32) bool {
	if codec.Audio() {
		return n%193 == 192
	}
	return n%97 == 96
}

// A publisher sends a marked microphone and a marked camera, end-to-end
// encrypted, until stop is called. Its camera sends a key frame when it starts
// and when it is asked to, and at no other time.
type publisher struct {
	identity string
	sender   uint32
	holes    bool
	room     *lksdk.Room
	quit     chan struct{}
	pumps    sync.WaitGroup
	sent     map[media.Source]*atomic.Uint32 // how many frames
}

func publish(t *testing.T, url, token, identity string, sender uint32, holes bool) *publisher {
	t.Helper()
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	p := &publisher{identity: identity, sender: sender, holes: holes, quit: make(chan struct{}),
		sent: map[media.Source]*atomic.Uint32{media.Microphone: {}, media.Camera: {}}}
	p.room = lksdk.NewRoom(&lksdk.RoomCallback{})
	if err := p.room.JoinWithToken(url, token, lksdk.WithAutoSubscribe(false), lksdk.WithLogger(logger.GetDiscardLogger())); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct {
		source     media.Source
		codec      media.Codec
		capability webrtc.RTPCodecCapability
		opts       lksdk.TrackPublicationOptions
		lasts      time.Duration
	}{
		{media.Microphone, media.Opus, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
			lksdk.TrackPublicationOptions{Name: "microphone", Source: lkproto.TrackSource_MICROPHONE}, audioTime},
		{media.Camera, media.VP8, webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
			lksdk.TrackPublicationOptions{Name: "camera", Source: lkproto.TrackSource_CAMERA, VideoWidth: 1280, VideoHeight: 720}, videoTime},
	} {
		var wantKey atomic.Bool
		wantKey.Store(true)
		local, err := lksdk.NewLocalTrack(m.capability, lksdk.WithRTCPHandler(func(r rtcp.Packet) {
			switch r.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				wantKey.Store(true)
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		bound := make(chan struct{})
		var once sync.Once
		local.OnBind(func() { once.Do(func() { close(bound) }) })
		m.opts.Encryption = lkproto.Encryption_GCM
		if _, err := p.room.LocalParticipant.PublishTrack(local, &m.opts); err != nil {
			t.Fatal(err)
		}
		p.pumps.Go(func() {
			select {
			case <-bound:
			case <-p.quit:
				return
			}
			enc := frame.NewEncrypter(m.codec, keys, 0, uint32(local.SSRC()))
			p.pump(t, local, enc, m.codec, m.lasts, &wantKey, p.sent[m.source])
		})
	}
	return p
}

func (p *publisher) pump(t *testing.T, local *lksdk.LocalTrack, enc *frame.Encrypter, codec media.Codec, lasts time.Duration, wantKey *atomic.Bool, sent *atomic.Uint32) {
	base, start := rand.Uint32(), time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	dropped := uint16(0)
	for n := uint32(0); ; n++ {
		due := time.Duration(n) * lasts
		timer.Reset(time.Until(start.Add(due)))
		select {
		case <-timer.C:
		case <-p.quit:
			return
		}
		if p.holes && unsent(codec, n) {
			dropped++
			continue
		}
		stamp := base + uint32(due*time.Duration(local.Codec().ClockRate)/time.Second)
		data, err := enc.Encrypt(nil, marked(codec, wantKey.Swap(false), p.sender, n), stamp)
		if err != nil {
			t.Error(err)
			return
		}
		err = local.WriteSample(wmedia.Sample{Data: data, Duration: lasts, PacketTimestamp: stamp, PrevDroppedPackets: dropped}, nil)
		dropped = 0
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
			return
		}
		sent.Store(n + 1)
	}
}

func (p *publisher) stop() {
	close(p.quit)
	p.pumps.Wait()
	p.room.Disconnect()
}

// A tape is what one track of a recording holds.
type tape struct {
	track  media.Track
	frames []media.Frame
	holes  []media.Event
}

// tapesOf reads what was recorded, by source: there is one sender.
func tapesOf(t *testing.T, m *roomtest.Sink) map[media.Source]*tape {
	t.Helper()
	frames, events, tracks, err := m.Read()
	if err != nil {
		t.Fatal(err)
	}
	byID := make(map[uint64]*tape)
	for uid, tr := range tracks {
		byID[uid] = &tape{track: tr}
	}
	for _, f := range frames {
		byID[f.Track].frames = append(byID[f.Track].frames, f)
	}
	holes := kind(events, media.EventHole)
	for _, h := range holes {
		if tp := byID[h.Track]; tp != nil {
			tp.holes = append(tp.holes, h)
		}
	}
	tapes := make(map[media.Source]*tape)
	for _, tp := range byID {
		if tapes[tp.track.Source] != nil {
			t.Errorf("%s is two tracks", tp.track.Source)
		}
		tapes[tp.track.Source] = tp
	}
	return tapes
}

// A tally compares what a track published with what its tape holds, from the
// first frame recorded to the last.
type tally struct {
	published, recorded, missing int
	atEnd                        int // of the missing: the recording ended before they could come
	holes                        int
	longest, sum                 time.Duration
}

func (a tally) String() string {
	return fmt.Sprintf("%4d published = %4d recorded + %3d declared missing, in %2d holes of %5.2f s, longest %4.2f s",
		a.published, a.recorded, a.missing, a.holes, a.sum.Seconds(), a.longest.Seconds())
}

// reconcile checks frame by frame that what was published was recorded, once
// and in order, or lies in a hole that the timeline declares; and that every
// such hole misses something.
func (tp *tape) reconcile(t *testing.T, sender uint32, sent int) (a tally) {
	t.Helper()
	const (
		slack    = 3 * time.Millisecond // containers and events round to 1 ms
		inFlight = 200 * time.Millisecond
	)
	if len(tp.frames) == 0 {
		t.Error("nothing was recorded")
		return a
	}
	what := tp.track.Source
	audio := tp.track.Codec.Audio()
	slices.SortFunc(tp.holes, func(a, b media.Event) int { return cmp.Compare(a.From, b.From) })
	useful := make([]bool, len(tp.holes))

	var first, last uint32
	var before media.Frame
	for i, f := range tp.frames {
		who, n, ok := mark(f.Data)
		if !ok || who != sender || int(n) >= sent {
			t.Errorf("%s: frame %d carries mark %d of %d; %d were sent by %d", what, i, n, who, sent, sender)
			return a
		}
		if !audio && i == 0 && !f.Key {
			t.Errorf("%s does not begin with a key frame", what)
		}
		a.recorded++
		if i == 0 {
			first = n
		} else {
			if n <= last {
				t.Errorf("%s: mark %d at %v comes after mark %d", what, n, f.Time, last)
			}
			if f.Time <= before.Time {
				t.Errorf("%s: mark %d at %v is not after mark %d at %v", what, n, f.Time, last, before.Time)
			}
			if lost := int(n - last - 1); lost > 0 {
				a.missing += lost
				if f.Time > tp.frames[len(tp.frames)-1].Time-inFlight {
					a.atEnd += lost
				}
				// Covered from the end of the frame before to the start of this one?
				at := before.Time + before.Duration + slack
				for h, hole := range tp.holes {
					if hole.To >= before.Time && hole.From <= f.Time {
						useful[h] = true
					}
					if hole.From <= at && hole.To > at {
						at = hole.To + slack
					}
				}
				if at < f.Time {
					t.Errorf("%s: marks %d to %d are missing between %v and %v and not declared after %v: %v", what, last+1, n-1, before.Time, f.Time, at, tp.holes)
				}
				if !audio && !f.Key {
					t.Errorf("%s: mark %d follows a hole and is no key frame", what, n)
				}
			}
		}
		last, before = n, f
	}
	a.published = int(last-first) + 1
	for h, hole := range tp.holes {
		if hole.Reason == "" || hole.To <= hole.From {
			t.Errorf("%s: a hole from %v to %v for %q", what, hole.From, hole.To, hole.Reason)
		}
		if hole.To <= tp.frames[0].Time+slack || hole.From+slack >= before.Time {
			continue // before the first frame, or after the last
		}
		if !useful[h] {
			t.Errorf("%s: nothing is missing in the hole from %v to %v for %q", what, hole.From, hole.To, hole.Reason)
		}
		a.holes++
		a.sum += hole.To - hole.From
		a.longest = max(a.longest, hole.To-hole.From)
	}
	if a.published != a.recorded+a.missing {
		t.Errorf("%s: %v", what, a)
	}
	return a
}

// record records the room for as long as d.
func record(ctx context.Context, r recorder.Room, d time.Duration) (*roomtest.Sink, recorder.Report, error) {
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
		return nil, recorder.Report{}, err
	}
	m := new(roomtest.Sink)
	report, err := recorder.New(recorder.Config{Recording: "TEST", Sink: m, Keys: recorder.SharedKeys(keys),
		Notices: recorder.Notices{Start: "This is recorded."}, Duration: d}).Record(ctx, r)
	return m, report, err
}
