package members

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	wmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Publication is what a member sent of one source.
type Publication struct {
	Source media.Source
	// Track is the server's ID of the track.
	Track string
	// From is when the first frame was sent and To when the last one ended.
	From, To time.Time
	// Frames counts the frames sent.
	Frames int
	// KeyFrameRequests counts the PLI and FIR that came for it.
	KeyFrameRequests int
}

// A track is a loop on its way into the room.
type track struct {
	source media.Source
	codec  media.Codec
	loop   *loop
	keys   *frame.Keyring // nil = not encrypted

	local   *lksdk.LocalTrack
	pub     *lksdk.LocalTrackPublication
	bound   chan struct{} // closed when WebRTC takes samples
	started chan struct{} // closed when the first frame was sent
	quit    chan struct{} // closed by stop
	ended   chan struct{} // closed when pump has returned
	once    sync.Once

	muted   atomic.Bool
	wantKey atomic.Bool

	mu   sync.Mutex
	sent Publication
}

// open makes the tracks that c publishes.
func open(c Config, keys *frame.Keyring) ([]*track, error) {
	var tracks []*track
	camera, codec, read := c.Video, media.VP8, ivfLoop
	if c.VideoCodec != "" {
		camera, codec = []byte{}, media.Codec(c.VideoCodec)
		read = func([]byte) (*loop, error) { return clockLoop(codec) }
	}
	for _, f := range []struct {
		source media.Source
		codec  media.Codec
		file   []byte
		read   func([]byte) (*loop, error)
	}{
		{media.Microphone, media.Opus, c.Audio, oggLoop},
		{media.Camera, codec, camera, read},
		{media.Screen, media.VP8, c.ScreenVideo, ivfLoop},
	} {
		if f.file == nil {
			continue
		}
		l, err := f.read(f.file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.source, err)
		}
		tracks = append(tracks, &track{
			source: f.source, codec: f.codec, loop: l, keys: keys,
			bound: make(chan struct{}), started: make(chan struct{}),
			quit: make(chan struct{}), ended: make(chan struct{}),
			sent: Publication{Source: f.source},
		})
	}
	return tracks, nil
}

func (t *track) audio() bool { return t.codec.Audio() }

// publish negotiates the track.
func (t *track) publish(p *lksdk.LocalParticipant) error {
	capability := webrtc.RTPCodecCapability{MimeType: "video/" + string(t.codec), ClockRate: 90000}
	switch t.codec {
	case media.Opus:
		capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	case media.H264:
		capability.SDPFmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	case media.VP9:
		capability.SDPFmtpLine = "profile-id=0"
	}
	var err error
	if t.local, err = lksdk.NewLocalTrack(capability, lksdk.WithRTCPHandler(t.onRTCP)); err != nil {
		return err
	}
	var once sync.Once
	t.local.OnBind(func() { once.Do(func() { close(t.bound) }) })
	opts := &lksdk.TrackPublicationOptions{
		Name: string(t.source), Source: sources[t.source],
		VideoWidth: t.loop.width, VideoHeight: t.loop.height,
	}
	if t.keys != nil {
		opts.Encryption = livekit.Encryption_GCM
	}
	if t.pub, err = p.PublishTrack(t.local, opts); err != nil {
		return err
	}
	t.mu.Lock()
	t.sent.Track = t.pub.SID()
	t.mu.Unlock()
	return nil
}

var sources = map[media.Source]livekit.TrackSource{
	media.Microphone: livekit.TrackSource_MICROPHONE,
	media.Camera:     livekit.TrackSource_CAMERA,
	media.Screen:     livekit.TrackSource_SCREEN_SHARE,
}

// onRTCP is called by the SDK for each packet of feedback.
func (t *track) onRTCP(p rtcp.Packet) {
	switch p.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		t.wantKey.Store(true)
		t.mu.Lock()
		t.sent.KeyFrameRequests++
		t.mu.Unlock()
	}
}

func (t *track) setMuted(muted bool) {
	if t.muted.Swap(muted) == muted {
		return
	}
	if !muted {
		t.wantKey.Store(true)
	}
	t.pub.SetMuted(muted)
}

// stop ends pump, if it runs, and waits for it.
func (t *track) stop() {
	t.once.Do(func() { close(t.quit) })
	<-t.ended
}

func (t *track) publication() Publication {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent
}

// pump sends the loop in real time until ctx ends or stop is called. Frame n
// goes out at start + n frame durations and its time stamp says the same, so a
// late frame never makes the next one late, and a mute leaves a jump in the
// time stamps as a capturing client's would.
func (t *track) pump(ctx context.Context) error {
	defer close(t.ended)
	select {
	case <-t.bound:
	case <-t.quit:
		return nil
	case <-ctx.Done():
		return nil
	}

	var enc *frame.Encrypter
	if t.keys != nil {
		enc = frame.NewEncrypter(t.codec, t.keys, 0, uint32(t.local.SSRC()))
	}
	clock := time.Duration(t.local.Codec().ClockRate)
	base := rand.Uint32()
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	at := 0 // where in the loop
	for n := 0; ; n++ {
		due := time.Duration(n) * t.loop.duration
		timer.Reset(time.Until(start.Add(due)))
		select {
		case <-timer.C:
		case <-t.quit:
			return nil
		case <-ctx.Done():
			return nil
		}
		if t.muted.Load() {
			continue
		}
		if t.wantKey.Swap(false) {
			at = t.loop.nextKey(at)
		}
		stamp := base + uint32(due*clock/time.Second)
		if err := t.send(enc, t.loop.frames[at], stamp); err != nil {
			return err
		}
		at = (at + 1) % len(t.loop.frames)
	}
}

func (t *track) send(enc *frame.Encrypter, data []byte, stamp uint32) error {
	level := loudness(data)
	if enc != nil {
		sealed, err := t.encrypt(enc, data, stamp)
		if errors.Is(err, frame.ErrNoKey) {
			sealed, err = t.encrypt(enc, data, stamp) // it was replaced meanwhile
		}
		if err != nil {
			return err
		}
		data = sealed
	}
	err := t.local.WriteSample(wmedia.Sample{Data: data, Duration: t.loop.duration, PacketTimestamp: stamp}, &lksdk.SampleWriteOptions{AudioLevel: &level})
	if errors.Is(err, io.ErrClosedPipe) {
		return nil // the room ended under us; the member's Done says so
	}
	if err != nil {
		return err
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent.Frames == 0 {
		t.sent.From = now
		close(t.started)
	}
	t.sent.To = now.Add(t.loop.duration)
	t.sent.Frames++
	return nil
}

// encrypt encrypts a frame under the key that was set last.
func (t *track) encrypt(enc *frame.Encrypter, data []byte, stamp uint32) ([]byte, error) {
	if index, ok := t.keys.Newest(); ok {
		enc.UseIndex(index)
	}
	return enc.Encrypt(nil, data, stamp)
}

// loudness guesses how loud a frame of speech is from how much it took to code,
// in -dBov (RFC 6464). It has to vary: the server tells of changes only. Below 35 it is speech to
// it.
func loudness(opus []byte) uint8 {
	const silence = 45 // bytes that a pause in the fixtures does not reach
	if len(opus) < silence {
		return 70
	}
	return uint8(50 - min(len(opus), 90)/2)
}
