// Capture makes the captures of package recorder/replay that the tests play:
// short meetings of made-up members in a room of a real server, end-to-end
// encrypted, as a recorder received them.
//
//	go run ./testdata/rtp/capture [-o FOLDER] [-only browser|members]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/replay"
	"github.com/sealtape/sealtape/testdata/browser"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

const passphrase = "a passphrase made for test fixtures"

func main() {
	log.SetFlags(0)
	out := flag.String("o", "testdata/rtp", "folder to write to")
	only := flag.String("only", "", "make only the capture of `browser` or members")
	flag.Parse()
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
	defer func() { err = errors.Join(err, server.Stop()) }()
	for name, play := range map[string]func(context.Context, *servers.LiveKit, recording) error{"browser": chromium, "members": gophers} {
		if only != "" && only != name {
			continue
		}
		if err := capture(filepath.Join(out, name+".jsonl"), name, func(r recording) error { return play(ctx, server, r) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// A recording is what a meeting needs to be captured.
type recording struct {
	room string
	w    io.Writer
}

func capture(path, room string, play func(recording) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return play(recording{room, f})
}

// begin joins and starts to record into nothing, for its packets. The channel
// gets how that ended.
func (r recording) begin(ctx context.Context, s *servers.LiveKit) (<-chan error, error) {
	room, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: r.room,
		Identity: "recorder", Passphrase: []byte(passphrase)})
	if err != nil {
		return nil, err
	}
	ring := frame.NewKeyring(0, frame.KeyOptions{})
	if err := ring.SetPassphrase(0, []byte(passphrase)); err != nil {
		return nil, errors.Join(err, room.Close())
	}
	c := replay.NewCapture(room, r.w, passphrase)
	done := make(chan error, 1)
	go func() {
		_, err := recorder.New(recorder.Config{Recording: r.room, Sink: nothing{}, Keys: recorder.SharedKeys(ring), Notices: recorder.Notices{Start: "This meeting is captured."}, Grace: recorder.Never}).Record(ctx, c)
		done <- err
	}()
	return done, nil
}

// gophers: ada publishes sound and pictures, mutes and goes on; ben comes, says
// something and leaves, and then so does ada.
func gophers(ctx context.Context, s *servers.LiveKit, r recording) error {
	join := func(identity, name string, voice int, video []byte) (*members.Member, error) {
		return members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: r.room,
			Identity: identity, Name: name, Passphrase: passphrase, Audio: fixtures.Speech(voice), Video: video})
	}
	ada, err := join("ada", "Ada", 0, fixtures.Clock(0))
	if err != nil {
		return err
	}
	done, err := r.begin(ctx, s)
	if err != nil {
		return errors.Join(err, ada.Leave())
	}
	time.Sleep(4500 * time.Millisecond) // 3.5 s of them are the notice
	ben, err := join("ben", "Ben", 1, nil)
	if err != nil {
		return errors.Join(err, ada.Leave())
	}
	ada.Mute(true)
	ben.Say("Can you hear me?")
	time.Sleep(700 * time.Millisecond)
	ada.Unmute(true)
	time.Sleep(700 * time.Millisecond)
	err = ben.Leave()
	time.Sleep(300 * time.Millisecond)
	return errors.Join(err, ada.Leave(), <-done)
}

// chromium: cleo publishes a tone with pauses from a browser, and a picture.
func chromium(ctx context.Context, s *servers.LiveKit, r recording) error {
	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: r.room, Identity: "cleo", Name: "Cleo"})
	if err != nil {
		return err
	}
	wav := filepath.Join(os.TempDir(), "sealtape-capture.wav")
	if err := browser.Beeps(wav, 440, 3*time.Second); err != nil {
		return err
	}
	defer os.Remove(wav)
	cleo, err := browser.Start(ctx, browser.Config{URL: s.URL, Token: token, Passphrase: passphrase, WAV: wav, Camera: true, CameraWidth: 640, CameraHeight: 360})
	if err != nil {
		return err
	}
	done, err := r.begin(ctx, s)
	if err != nil {
		return errors.Join(err, cleo.Leave())
	}
	time.Sleep(4500 * time.Millisecond)
	err = cleo.Unpublish(ctx, browser.Camera)
	time.Sleep(2 * time.Second)
	return errors.Join(err, cleo.Unpublish(ctx, browser.Microphone), cleo.Leave(), <-done)
}

// nothing is a Sink that keeps nothing.
type nothing struct{}

type object struct{ io.Writer }

func (nothing) CreateSegment() (recorder.Object, error) { return object{io.Discard}, nil }
func (nothing) CreateIndex() (recorder.Object, error)   { return object{io.Discard}, nil }
func (object) Number() int                              { return 0 }
func (object) Epoch() int                               { return 1 }
func (object) Commit() error                            { return nil }
func (object) Abort() error                             { return nil }
