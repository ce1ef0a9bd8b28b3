package livekit_test

import (
	"slices"
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
	due := func(track int, n uint32) time.Duration { // since it began to speak
		d := time.Duration(n) * audioTime
		if n >= speech {
			d += pauses[track]
		}
		return d
	}
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
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	for i := range pauses {
		track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{
			Source: lkproto.TrackSource_MICROPHONE, Encryption: lkproto.Encryption_GCM}); err != nil {
			t.Fatal(err)
		}
		go func() {
			enc, quit := frame.NewEncrypter(media.Opus, keys, 0, uint32(track.SSRC())), ctx.Done()
			begun := time.Now().Add(4 * time.Second) // when the recorder, who gives notice first, hears it
			for n := range uint32(2 * speech) {
				select {
				case <-time.After(time.Until(begun.Add(due(i, n)))):
				case <-quit:
					return
				}
				data, err := enc.Encrypt(nil, marked(media.Opus, false, uint32(i), n), n*960)
				if err == nil {
					err = track.WriteSample(wmedia.Sample{Data: data, Duration: audioTime}, nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	l.until("all that was said", func(frames []media.Frame, _ []media.Event) bool {
		ended := 0
		for _, f := range frames {
			if _, n, ok := mark(f.Data); ok && n == 2*speech-1 {
				ended++
			}
		}
		return ended == len(pauses)
	})
	l.stop()
	l.wait()
	frames, events, _ := l.read()
	late := make([][]time.Duration, len(pauses)) // from when a frame was due, by when the recording has it
	for _, f := range frames {
		who, n, ok := mark(f.Data)
		if !ok || int(who) >= len(pauses) {
			t.Fatalf("a frame of %d bytes that nobody sent", len(f.Data))
		}
		late[who] = append(late[who], f.Time-due(int(who), n))
	}
	for i, pause := range pauses {
		if len(late[i]) != 2*speech {
			t.Errorf("pause of %v: %d frames of %d; %v", pause, len(late[i]), 2*speech, kind(events, media.EventHole))
			continue
		}
		usual := slices.Sorted(slices.Values(late[i][:speech]))[speech/2]
		least, most := slices.Min(late[i])-usual, slices.Max(late[i])-usual
		t.Logf("pause of %v: from %v to %v off", pause, least.Round(100*time.Microsecond), most.Round(100*time.Microsecond))
		if least < -near || most > near {
			t.Errorf("pause of %v: frames are from %v to %v off", pause, least, most)
		}
	}
}
