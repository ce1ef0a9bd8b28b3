package browser_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"

	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const passphrase = "what the members know"

// What the tests share: a server, in which each has a room of its own, and a Chromium for
// each kind of camera.
var shared struct {
	mu        sync.Mutex
	dir       string // with the sound of the microphones
	server    *servers.LiveKit
	chromiums map[bool]*browser.Chromium // by Config.RoomKeys
}

func TestMain(m *testing.M) {
	code := m.Run()
	var errs []error
	for _, b := range shared.chromiums {
		errs = append(errs, b.Close())
	}
	if shared.server != nil {
		errs = append(errs, shared.server.Stop(), os.RemoveAll(shared.dir))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "what the tests shared:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func startServer(t testing.TB) (context.Context, *servers.LiveKit) {
	t.Helper()
	sample.Live(t)
	ctx := sample.Context(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		var err error
		if shared.dir, err = os.MkdirTemp("", "sealtape-browser-"); err == nil {
			shared.server, err = servers.StartLiveKit(ctx, servers.LiveKitConfig{})
		}
		if err != nil {
			t.Fatal(err)
		}
		shared.chromiums = make(map[bool]*browser.Chromium)
	}
	return ctx, shared.server
}

// chromium returns the Chromium that members share.
func chromium(t testing.TB, ctx context.Context, roomKeys bool) *browser.Chromium {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if b := shared.chromiums[roomKeys]; b != nil {
		return b
	}
	wav := filepath.Join(shared.dir, "tone.wav")
	err := browser.Tone(wav, sharedHz, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b, err := browser.Open(ctx, browser.Config{WAV: wav, RoomKeys: roomKeys})
	if err != nil {
		t.Fatal(err)
	}
	shared.chromiums[roomKeys] = b
	return b
}

// startMember has a browser publish a tone of hz Hz, which is that of its microphone, or made
// by the page.
func startMember(t testing.TB, ctx context.Context, s *servers.LiveKit, identity string, hz float64, c browser.Config) *browser.Member {
	t.Helper()
	var err error
	c.URL, c.In = s.URL, chromium(t, ctx, c.RoomKeys)
	c.Token, err = auth.NewAccessToken(s.APIKey, s.APISecret).SetIdentity(identity).SetName(strings.ToUpper(identity)).
		SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: t.Name()}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	if c.WAV = c.In.WAV; hz != sharedHz {
		c.Hz = hz
	}
	m, err := browser.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// sharedHz is what the microphone of a shared Chromium hears.
const sharedHz = 440

func wait(t *testing.T, ctx context.Context, m *browser.Member, what string, cond func(browser.State) bool) browser.State {
	t.Helper()
	begun := time.Now()
	s, err := m.Wait(ctx, cond)
	if err != nil {
		t.Fatalf("%s: %v; last state: %+v", what, err, s)
	}
	tookLong(t, begun, what)
	return s
}

// tookLong logs what a test waited for, to see what makes it slow.
func tookLong(t *testing.T, begun time.Time, what string) {
	t.Helper()
	if took := time.Since(begun); took > time.Second {
		t.Logf("waited %.1f s: %s", took.Seconds(), what)
	}
}

func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	ada := startMember(t, ctx, s, "ada", 1000, browser.Config{Passphrase: passphrase, Camera: true})
	bob := startMember(t, ctx, s, "bob", sharedHz, browser.Config{Passphrase: passphrase, Camera: true, CameraWidth: 640, CameraHeight: 360, Screen: true, Simulcast: true})

	for _, tt := range []struct {
		m    *browser.Member
		peer string
		hz   float64
	}{{ada, "bob", sharedHz}, {bob, "ada", 1000}} {
		got := wait(t, ctx, tt.m, "hearing and seeing "+tt.peer, func(s browser.State) bool {
			sound, _ := s.Heard(tt.peer)
			picture, _ := s.Watched(tt.peer)
			return math.Abs(sound.Hz-tt.hz) < 12 && sound.Level > -40 && picture.Frames >= 10
		})
		sound, _ := got.Heard(tt.peer)
		picture, _ := got.Watched(tt.peer)
		if p := got.Participants[tt.peer]; !sound.Encrypted || !picture.Encrypted || !p.Encrypted {
			t.Errorf("%s's tracks are not encrypted: %+v %+v %+v", tt.peer, sound, picture, p)
		}
		if p := got.Participants[tt.peer]; p.Name != strings.ToUpper(tt.peer) || p.At.IsZero() {
			t.Errorf("%s is listed as %+v", tt.peer, p)
		}
	}
	wait(t, ctx, bob, "sending", func(s browser.State) bool {
		for _, source := range []browser.Source{browser.Microphone, browser.Camera, browser.Screen} {
			p := s.Published[source]
			if !p.Encrypted || p.SID == "" || p.At.IsZero() || p.Sent.Before(p.At) {
				return false
			}
		}
		return true
	})

	if err := bob.Say(ctx, `"hello" from bob`); err != nil {
		t.Fatal(err)
	}
	got := wait(t, ctx, ada, "a message", func(s browser.State) bool { return len(s.Messages) > 0 })
	if m := got.Messages[0]; m.From != "bob" || m.Text != `"hello" from bob` {
		t.Errorf("ada got %+v", m)
	}

	if err := bob.Mute(ctx, browser.Microphone, true); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ada, "silence", func(s browser.State) bool {
		sound, ok := s.Heard("bob")
		return ok && sound.Level < -80
	})
	if err := bob.Mute(ctx, browser.Microphone, false); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ada, "the tone again", func(s browser.State) bool {
		sound, _ := s.Heard("bob")
		return math.Abs(sound.Hz-sharedHz) < 12 && sound.Level > -40
	})
	if err := bob.Unpublish(ctx, browser.Camera); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ada, "no picture", func(s browser.State) bool { _, ok := s.Watched("bob"); return !ok })
	if err := bob.Leave(); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ada, "bob to go", func(s browser.State) bool { return !s.Participants["bob"].Left.IsZero() })
	for _, m := range []*browser.Member{ada, bob} {
		if s := m.State(); len(s.Errors) > 0 {
			t.Errorf("%s: %q", s.Identity, s.Errors)
		}
	}
}

// TestUnderstandsMembers holds that livekit-client opens what package members
// encrypts, so that the Go members stand for web clients.
func TestUnderstandsMembers(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	m, err := members.Join(ctx, members.Config{
		URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: t.Name(), Identity: "gopher",
		Passphrase: passphrase, Audio: media.Speech(0), Video: media.Clock(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Leave()
	ada := startMember(t, ctx, s, "ada", sharedHz, browser.Config{Passphrase: passphrase})
	got := wait(t, ctx, ada, "hearing and seeing the gopher", func(s browser.State) bool {
		sound, _ := s.Heard("gopher")
		picture, _ := s.Watched("gopher")
		return sound.Level > -60 && picture.Frames >= 20 && picture.Width == 320 && picture.Height == 180
	})
	if len(got.Errors) > 0 {
		t.Errorf("errors: %q", got.Errors)
	}
	if !got.Participants["gopher"].Encrypted {
		t.Error("the gopher's tracks do not count as encrypted")
	}
}

// TestWrongPassphrase holds that the encryption is on: a member with another
// passphrase gets errors instead of media.
func TestWrongPassphrase(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	startMember(t, ctx, s, "ada", sharedHz, browser.Config{Passphrase: passphrase, Camera: true})
	eve := startMember(t, ctx, s, "eve", 1000, browser.Config{Passphrase: "a guess"})
	got := wait(t, ctx, eve, "an error", func(s browser.State) bool { return len(s.Errors) > 0 })
	if !strings.Contains(got.Errors[0], "encryption") {
		t.Errorf("errors: %q", got.Errors)
	}
	sound, _ := got.Heard("ada")
	picture, _ := got.Watched("ada")
	if sound.Level > -80 || picture.Frames > 0 {
		t.Errorf("eve heard %+v and saw %+v", sound, picture)
	}
}
