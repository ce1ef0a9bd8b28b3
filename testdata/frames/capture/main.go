// Capture makes fixtures of encrypted frames: it lets a headless Chromium with
// livekit-client publish a tone and its fake camera under end-to-end
// encryption, joins beside it as a subscriber, keeps RTP packets as they came
// and writes them as JSON files that recorder/frame's tests open.
//
//	go run ./testdata/frames/capture [-o FOLDER] [-only passphrase|keys]
//
// It mutes the microphone and unpublishes the camera at the end, for the frames
// that the server injects then. A second member has keys of its own, which it
// ratchets and replaces.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/livekit/protocol/auth"
	protologger "github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/servers"
)

const (
	passphrase   = "a passphrase made for test fixtures"
	fixturesRoom = "fixtures"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "testdata/frames", "folder to write to")
	only := flag.String("only", "", "make only the fixtures of `passphrase` or keys")
	flag.Parse()
	lksdk.SetLogger(protologger.GetDiscardLogger())
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := run(ctx, *out, *only); err != nil {
		log.Fatalf("capture: %v", err)
	}
}

func run(ctx context.Context, out, only string) (err error) {
	server, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		return err
	}
	defer server.Stop()

	if only == "keys" {
		return changing(ctx, server, out)
	}
	// Subscribe first, so that each track is caught from its first packet.
	tapes := newTapes()
	room, err := lksdk.ConnectToRoom(server.URL, lksdk.ConnectInfo{
		APIKey: server.APIKey, APISecret: server.APISecret, RoomName: fixturesRoom, ParticipantIdentity: "subscriber",
	}, tapes.callback())
	if err != nil {
		return err
	}
	defer room.Disconnect()

	member, version, err := publisher(ctx, server, fixturesRoom, browser.Config{Passphrase: passphrase})
	if err != nil {
		return err
	}
	defer member.Leave()

	// Long enough for some talk and several pictures, then the mute.
	audio, err := tapes.wait(ctx, media.Opus, 100)
	if err != nil {
		return err
	}
	video, err := tapes.wait(ctx, media.VP8, 60)
	if err != nil {
		return err
	}
	if err := member.Mute(ctx, browser.Microphone, true); err != nil {
		return err
	}
	if err := audio.waitSIF(ctx, room.SifTrailer()); err != nil {
		return err
	}
	if err := member.Unpublish(ctx, browser.Camera); err != nil {
		return err
	}
	if err := video.waitEnd(ctx); err != nil {
		return err
	}
	if errs := member.State().Errors; len(errs) > 0 {
		return fmt.Errorf("the browser reports %q", errs)
	}

	about := fmt.Sprintf("%s with livekit-client 2.23.0 (e2ee option, ExternalE2EEKeyProvider) through livekit-server 1.11.0, received by server-sdk-go 2.18.1; made by testdata/frames/capture. ", version)
	for _, f := range []struct {
		name, about string
		tape        *tape
		choose      func(media.Codec, []packet, []byte) []packet
	}{
		{"chromium-opus.json", "A 440 Hz tone up to a mute, with the silence that the server injects then.", audio, aroundFirstSIF},
		{"chromium-vp8.json", "The fake camera, from the first key frame on.", video, fromFirstKey},
		{"chromium-vp8-end.json", "The fake camera until it was unpublished, with the blank pictures that the server injects then.", video, aroundFirstSIF},
	} {
		packets := f.choose(f.tape.codec, f.tape.all(), room.SifTrailer())
		fixture, err := assemble(f.tape.codec, room.SifTrailer(), packets)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		fixture.About = about + f.about
		if err := write(filepath.Join(out, f.name), fixture); err != nil {
			return err
		}
		log.Printf("%s: %d packets, %d frames, %d injected", f.name, len(fixture.Packets), len(fixture.Frames), fixture.SIF)
	}
	if only == "" {
		return changing(ctx, server, out)
	}
	return nil
}

// publisher starts the browser, which encrypts as c says, and tells its version.
func publisher(ctx context.Context, server *servers.LiveKit, room string, c browser.Config) (*browser.Member, string, error) {
	token, err := auth.NewAccessToken(server.APIKey, server.APISecret).SetIdentity("publisher").
		SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: room}).ToJWT()
	if err != nil {
		return nil, "", err
	}
	dir, err := os.MkdirTemp("", "capture")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir) // Chromium has read it by the time Start returns
	wav := filepath.Join(dir, "tone.wav")
	if err := browser.Tone(wav, 440, time.Second); err != nil {
		return nil, "", err
	}
	c.URL, c.Token, c.WAV, c.Camera = server.URL, token, wav, true
	c.CameraWidth, c.CameraHeight = cmp.Or(c.CameraWidth, 640), cmp.Or(c.CameraHeight, 360)
	m, err := browser.Start(ctx, c)
	if err != nil {
		return nil, "", err
	}
	return m, m.State().Browser, nil
}

func write(path string, f *fixture) error {
	data, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
