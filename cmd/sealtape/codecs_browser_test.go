//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestBrowserCodecs records Chromium with livekit-client in codecs other than
// VP8: VP9 in spatial layers and H264 under its end-to-end encryption, AV1
// without; one of both rooms, unless every case is to run.
func TestBrowserCodecs(t *testing.T) {
	l := newBrowserLab(t, busyBrowsers)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	type encoded struct {
		name           string
		camera, screen string
		passphrase     string
		args           []string
		width, height  int // of the camera; VP9 of 960x540 has three layers
		member         *browser.Member
		rec            *recorderProcess
	}
	all := []encoded{
		{name: "sealed", camera: "vp9", screen: "h264", passphrase: labPassphrase, width: 960, height: 540},
		{name: "open", camera: "av1", args: []string{"--no-e2ee"}, width: 640, height: 360},
	}
	var rooms []encoded
	for i := range sample.Cases(t, len(all), 1) {
		rooms = append(rooms, all[i])
	}
	var configs []browser.Config
	for _, r := range rooms {
		configs = append(configs, l.sharing(filming, browser.Config{Token: l.token(members.Grant{Room: l.room(r.name), Identity: "ada", Name: "Ada"}),
			Passphrase: r.passphrase, Camera: true, CameraCodec: r.camera, CameraWidth: r.width, CameraHeight: r.height,
			Screen: r.screen != "", ScreenCodec: r.screen}))
	}
	for i, m := range l.enter(configs...) {
		r := &rooms[i]
		r.member = m
		r.rec = l.record(home, append([]string{"--room", l.room(r.name), "--store", store, "--reader", "Recorder", "--segment", "1s"}, r.args...)...)
	}
	for _, r := range rooms {
		l.informed(home, store, r.rec.id, "all that is published", func(i *show.InfoJSON) bool {
			kept := make(map[string]bool)
			for _, tr := range i.Tracks {
				kept[tr.Source] = kept[tr.Source] || tr.Codec != ""
			}
			return kept["microphone"] && kept["camera"] && (kept["screen"] || r.screen == "")
		})
		layers := r.member.State().Published[browser.Camera].Layers // now, as a busy browser takes some off at any time
		l.segments(home, store, r.rec.id, l.listed(home, store, r.rec.id)+2)
		want := r.rec.accounts(r.rec.stop(syscall.SIGTERM), home, store)
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
			if codec != r.camera {
				continue
			}
			sizes := decodedSizes(t, file)
			if len(layers) != 1 || !slices.Contains(sizes, fmt.Sprintf("%dx%d", layers[0].Width, layers[0].Height)) {
				t.Errorf("the camera is %q, it was sent as %+v", sizes, layers)
			}
		}
		decodes(t, filepath.Join(dir, "Ada-microphone.ogg"))
	}
}
