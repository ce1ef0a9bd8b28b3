package livekit_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	wmedia "github.com/pion/webrtc/v4/pkg/media"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// A bot speaks, pauses and speaks on, and leaves its RTP time to WriteSample, where it
// stands still in a pause. What it says after that is where it was heard.
func TestPausingBot(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	const (
		speech = 60 // frames before a pause, and after it
		near   = 60 * time.Millisecond
	)
	pauses := []time.Duration{1200 * time.Millisecond, 3 * time.Second, 8 * time.Second}
	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: "r", Identity: "agent", Name: "Agent"})
	if err != nil {
		t.Fatal(err)
	}
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	room, err := lksdk.ConnectToRoomWithToken(s.URL, token, &lksdk.RoomCallback{}, lksdk.WithAutoSubscribe(false))
	if err != nil {
		t.Fatal(err)
	}
	defer room.Disconnect()
	m := watch(t, s)
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	bots := make([]*pausingBot, len(pauses))
	var speaking sync.WaitGroup
	for i, pause := range pauses {
		track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{
			Source: lkproto.TrackSource_MICROPHONE, Encryption: lkproto.Encryption_GCM}); err != nil {
			t.Fatal(err)
		}
		bots[i] = &pausingBot{pause: pause, heard: make(chan struct{})}
		enc := frame.NewEncrypter(media.Opus, keys, 0, uint32(track.SSRC()))
		speaking.Go(func() {
			if err := bots[i].speak(ctx, speech, func(n uint32) error {
				data, err := enc.Encrypt(nil, marked(media.Opus, false, uint32(i), n), n*960)
				if err != nil {
					return err
				}
				return track.WriteSample(wmedia.Sample{Data: data, Duration: audioTime}, nil)
			}); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	l.until("all that was said", func(frames []media.Frame, _ []media.Event) bool {
		ended := 0
		for _, f := range frames {
			who, n, ok := mark(f.Data)
			if !ok || int(who) >= len(bots) {
				t.Fatalf("a frame of %d bytes that nobody sent", len(f.Data))
			}
			b := bots[who]
			if last := b.last.Load(); last > 0 && n == last {
				ended++
			}
			if !b.isHeard() {
				close(b.heard)
			}
		}
		return ended == len(bots)
	})
	speaking.Wait()
	stall := m.stall()
	l.stop()
	l.wait()
	frames, events, _ := l.read()
	late := make([][]time.Duration, len(bots)) // from when a frame was due, by when the recording has it
	for _, f := range frames {
		who, n, _ := mark(f.Data)
		if b := bots[who]; n >= b.from {
			late[who] = append(late[who], f.Time-b.due(n))
		}
	}
	for i, b := range bots {
		if len(late[i]) != 2*speech {
			t.Errorf("pause of %v: %d frames of %d; %v", b.pause, len(late[i]), 2*speech, kind(events, media.EventHole))
			continue
		}
		usual := slices.Sorted(slices.Values(late[i][:speech]))[speech/2]
		least, most := slices.Min(late[i])-usual, slices.Max(late[i])-usual
		allowed := near + b.behind + stall // none of the latter two where there is a processor for the bot
		t.Logf("pause of %v: from %v to %v off, of %v", b.pause, least.Round(100*time.Microsecond), most.Round(100*time.Microsecond), allowed)
		if least < -allowed || most > allowed {
			t.Errorf("pause of %v: frames are from %v to %v off, more than %v", b.pause, least, most, allowed)
		}
	}
}

// A pausingBot speaks until it is heard, then so many frames, pauses, and speaks as many.
type pausingBot struct {
	pause time.Duration
	heard chan struct{}
	last  atomic.Uint32 // frame; 0: not known yet

	// To read when it has spoken.
	from, paused uint32        // the first frame after it was heard, and after the pause
	behind       time.Duration // at most, with a frame
}

func (b *pausingBot) isHeard() bool {
	select {
	case <-b.heard:
		return true
	default:
		return false
	}
}

// due is when a frame is, since the bot began to speak.
func (b *pausingBot) due(n uint32) time.Duration {
	d := time.Duration(n) * audioTime
	if b.paused > 0 && n >= b.paused {
		d += b.pause
	}
	return d
}

func (b *pausingBot) speak(ctx context.Context, speech uint32, say func(n uint32) error) error {
	begun := time.Now()
	for n := uint32(0); ; n++ {
		if b.paused == 0 && b.isHeard() {
			b.from, b.paused = n, n+speech
			b.last.Store(n + 2*speech - 1)
		}
		if err := pauseFor(ctx, time.Until(begun.Add(b.due(n)))); err != nil {
			return err
		}
		if b.paused > 0 {
			b.behind = max(b.behind, time.Since(begun.Add(b.due(n))))
		}
		if err := say(n); err != nil {
			return err
		}
		if b.paused > 0 && n == b.last.Load() {
			return nil
		}
	}
}
