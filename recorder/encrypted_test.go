package recorder_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func ring(t *testing.T, passphrase string) *frame.Keyring {
	t.Helper()
	k := frame.NewKeyring(0, frame.KeyOptions{})
	if err := k.SetPassphrase(0, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	return k
}

func from(kind string, i recorder.TrackInfo) recorder.TrackInfo { i.SenderKind = kind; return i }

func TestEncryptedRoom(t *testing.T) {
	right, wrong := ring(t, "correct horse"), ring(t, "battery staple")
	for _, tt := range []struct {
		name   string
		keys   *frame.Keyring
		info   recorder.TrackInfo
		seal   bool
		frames int
		reason string
	}{
		{"right key", right, encrypted(opusInfo), true, 100, ""},
		{"wrong key", wrong, encrypted(opusInfo), true, 0, media.HoleAuth},
		{"plaintext frames in an encrypted track", right, encrypted(opusInfo), false, 0, media.HolePlaintext},
		{"plaintext track in an encrypted room", right, opusInfo, false, 0, media.HolePlaintext},
		{"a caller who was let in", right, from(recorder.SenderSIP, opusInfo), false, 100, ""},
		{"a caller with encryption", right, from(recorder.SenderSIP, encrypted(opusInfo)), true, 100, ""},
		{"an agent who was not let in", right, from(recorder.SenderAgent, opusInfo), false, 0, media.HolePlaintext},
		{"encrypted track without keys", nil, encrypted(opusInfo), true, 0, media.HoleNoKey},
		{"key index without a key", frame.NewKeyring(0, frame.KeyOptions{}), encrypted(opusInfo), true, 0, media.HoleNoKey},
		{"codec that is not recorded", right, func() recorder.TrackInfo { i := encrypted(vp8Info); i.Codec = media.AV1; return i }(), true, 0, media.HoleCodec},
	} {
		t.Run(tt.name, func(t *testing.T) {
			enc := frame.NewEncrypter(media.Opus, right, 0, 77)
			c := recorder.Config{Duration: 3 * time.Second, Plaintext: []string{recorder.SenderSIP, ""}}
			if tt.keys != nil {
				c.Keys = recorder.SharedKeys(tt.keys)
			}
			out, report := record(t, c, func(room *roomtest.Room, _ func()) {
				info := tt.info
				info.Wanted = time.Now()
				tr := room.Publish(info)
				for n := range 100 {
					b := opusPayload(n)
					if tt.seal {
						var err error
						if b, err = enc.Encrypt(nil, b, uint32(960*n)); err != nil {
							t.Fatal(err)
						}
					}
					tr.Send(opusPacket(n, b))
					time.Sleep(20 * time.Millisecond)
				}
			})
			out.parse()
			if len(out.frames) != tt.frames {
				t.Errorf("%d frames written as media, want %d", len(out.frames), tt.frames)
			}
			for n, f := range out.frames {
				if !bytes.Equal(f.Data, opusPayload(n)) {
					t.Fatalf("frame %d is %x", n, f.Data)
				}
			}
			// What came without encryption says so.
			if e := out.want(media.EventTrack, 1)[0]; (e.Reason == media.TrackPlaintext) != (!tt.seal && tt.frames > 0) {
				t.Errorf("the track came with the reason %q", e.Reason)
			}
			if tt.reason == "" {
				out.wantNoHoles()
				return
			}
			if hole := out.want(media.EventHole, 1)[0]; hole.Reason != tt.reason || hole.From > near || hole.To < 1900*time.Millisecond {
				t.Errorf("hole: %+v, want 0 to 2 s, %s", hole, tt.reason)
			}
			out.wantIncomplete(true)
			if report.Holes[tt.reason] == 0 {
				t.Errorf("report: %+v", report)
			}
		})
	}
}
