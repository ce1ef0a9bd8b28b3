//go:build unix

package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestBrowserCodecs records Chromium with livekit-client in codecs other than
// VP8: VP9 in spatial layers and H264 under its end-to-end encryption, AV1
// without.
func TestBrowserCodecs(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	rooms := []struct {
		name           string
		camera, screen string
		passphrase     string
		args           []string
		rec            *recorderProcess
	}{
		{name: "sealed", camera: "vp9", screen: "h264", passphrase: labPassphrase},
		{name: "open", camera: "av1", args: []string{"--no-e2ee"}},
	}
	wav := filepath.Join(l.dir, "tone.wav")
	if err := browser.Tone(wav, 440, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for i := range rooms {
		r := &rooms[i]
		m, err := browser.Start(l.ctx, browser.Config{URL: l.lk.URL, Token: l.token(members.Grant{Room: r.name, Identity: "ada", Name: "Ada"}),
			Passphrase: r.passphrase, WAV: wav, Camera: true, CameraCodec: r.camera, Screen: r.screen != "", ScreenCodec: r.screen})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Leave() })
		r.rec = l.record(home, append([]string{"--room", r.name, "--store", store, "--reader", "Recorder", "--segment", "2s"}, r.args...)...)
	}
	for _, r := range rooms {
		l.segments(home, store, r.rec.id, 3)
		want := l.beginnings(home, store, r.rec)
		dir := filepath.Join(l.dir, r.name)
		if out, errs, code := l.run(home, nil, "export", r.rec.id, "--store", store, "-o", dir, "--format", "tracks"); code != want {
			t.Fatalf("export: exit code %d, want %d\n%s%s", code, want, out, errs)
		}
		files := map[string]string{"Ada-camera.webm": r.camera}
		if r.screen != "" {
			files["Ada-screen.mkv"] = r.screen
		}
		for name, codec := range files {
			file := filepath.Join(dir, name)
			decodes(t, file)
			// Each picture is shown once, of however many layers.
			s := countFrames(t, file)
			if s.Codec != codec || s.Packets < 20 || s.Frames != s.Packets {
				t.Errorf("%s is %+v", name, s)
			}
			t.Logf("%s: %+v", name, s)
		}
		decodes(t, filepath.Join(dir, "Ada-microphone.ogg"))
	}
}
