//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestBrowserChanges records a Chromium whose encrypted tracks change in every
// way a web client changes them: simulcast layers that end and come back, a
// camera and a microphone that are muted, exchanged, unpublished and published
// again, beside a screen with sound. Each source stays one track, which decodes
// in the sizes that the timeline tells.
func TestBrowserChanges(t *testing.T) {
	l := newBrowserLab(t, busyBrowsers)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	m := l.enter(l.sharing(filming, browser.Config{Token: l.token(members.Grant{Room: l.room("changes"), Identity: "ada", Name: "Ada"}),
		Passphrase: labPassphrase, Camera: true, CameraWidth: 960, CameraHeight: 540, Simulcast: true, Screen: true, ScreenHz: 700}))[0]
	rec := l.record(home, "--room", l.room("changes"), "--store", store, "--reader", "Recorder", "--segment", "1s")

	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// Each change of the camera is waited for in the recording, so that there is
	// media before and after it.
	shown := func(what string, cond func(width, height int) bool) {
		t.Helper()
		l.informed(home, store, rec.id, what, func(i *show.InfoJSON) bool {
			sizes := sizesOf(i, media.Camera)
			if len(sizes) == 0 {
				return false
			}
			var w, h int
			_, err := fmt.Sscanf(sizes[len(sizes)-1], "%dx%d", &w, &h)
			return err == nil && cond(w, h)
		})
	}
	// A busy browser may take some pixels off, but keeps the shape.
	wide := func(width, height int) bool { return 3*width > 4*height+height/2 }
	heard := func(d time.Duration) { // the same for sound
		t.Helper()
		l.lasts(home, store, rec.id, d)
	}
	l.informed(home, store, rec.id, "a larger layer", func(i *show.InfoJSON) bool {
		return slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.Source == string(media.Camera) && tr.Width > 320 })
	})
	do(m.Limit(l.ctx, 1))
	do(m.Mute(l.ctx, browser.Microphone, true))
	shown("the smallest layer", func(w, h int) bool { return wide(w, h) && w <= 320 })
	do(m.Mute(l.ctx, browser.Microphone, false))
	do(m.Limit(l.ctx, 3))
	shown("a larger layer again", func(w, h int) bool { return wide(w, h) && w > 320 })

	do(m.SwitchMicrophone(l.ctx, 1000))
	do(m.Mute(l.ctx, browser.Camera, true))
	heard(time.Second)
	do(m.Mute(l.ctx, browser.Camera, false))
	do(m.SwitchCamera(l.ctx, 640, 480))
	shown("another camera", func(w, h int) bool { return !wide(w, h) })

	do(m.Unpublish(l.ctx, browser.Camera))
	do(m.Unpublish(l.ctx, browser.Microphone))
	heard(0)
	do(m.Publish(l.ctx, browser.Camera))
	do(m.Publish(l.ctx, browser.Microphone))
	shown("the first camera", wide)
	heard(time.Second)
	if errs := m.State().Errors; len(errs) > 0 {
		t.Errorf("Ada had trouble: %q", errs)
	}

	code := rec.stop(syscall.SIGTERM)
	i := l.informed(home, store, rec.id, "the end", func(*show.InfoJSON) bool { return true })
	want := 0
	if i.Incomplete {
		want = ui.ExitIncomplete
	}
	if code != want {
		t.Fatalf("record: exit code %d, want %d\n%s", code, want, rec.stderr())
	}
	changes := make(map[uint64][]media.Event) // by track
	for _, e := range i.Timeline {
		switch e.Type {
		case media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute, media.EventSize:
			changes[e.Track] = append(changes[e.Track], e)
		}
	}
	var tracks []string
	for _, tr := range i.Tracks {
		tracks = append(tracks, strings.Join([]string{tr.Participant, tr.Source, tr.Codec}, " "))
		n := make(map[media.EventType]int)
		for _, e := range changes[tr.UID] {
			n[e.Type]++
			t.Logf("%s: %v %s %s", tr.Source, e.Time, e.Type, e.Text)
		}
		if again := tr.Source == "camera" || tr.Source == "microphone"; again != (n[media.EventTrack] > 1) || again != (n[media.EventMute] > 0 && n[media.EventUnmute] > 0) {
			t.Errorf("what happened to the %s: %v", tr.Source, n)
		}
	}
	slices.Sort(tracks)
	if want := []string{"ada camera vp8", "ada microphone opus", "ada screen vp8", "ada screen-audio opus"}; !slices.Equal(tracks, want) {
		t.Errorf("tracks %q, want %q", tracks, want)
	}
	for _, h := range i.Holes {
		t.Logf("hole of %s: %.2f to %.2f s, %s", h.Label, h.From, h.To, h.Reason)
		// What Chromium does not send, or the system drops, on a busy machine
		// may be anywhere; all other holes are where something changes.
		near := slices.ContainsFunc(changes[h.Track], func(e media.Event) bool {
			return e.Time > pts(h.From)-2*time.Second && e.Time < pts(h.To)+2*time.Second
		})
		if h.Reason != media.HoleLoss && (!near || h.To-h.From >= 5 && h.Reason != media.HoleKeyFrame) {
			t.Errorf("%s misses %.2f to %.2f s: %s", h.Label, h.From, h.To, h.Reason)
		}
	}

	mkv, dir := filepath.Join(l.dir, "changes.mkv"), filepath.Join(l.dir, "tracks")
	for _, args := range [][]string{{"-o", mkv}, {"-o", dir, "--format", "tracks"}} {
		if out, errs, code := l.run(home, nil, append([]string{"export", rec.id, "--store", store}, args...)...); code != want {
			t.Fatalf("export %s: exit code %d, want %d\n%s%s", args, code, want, out, errs)
		}
	}
	decodes(t, mkv)
	for _, name := range []string{"Ada-microphone.ogg", "Ada-screen-audio.ogg", "Ada-screen.webm", "Ada-camera.webm"} {
		decodes(t, filepath.Join(dir, name))
	}
	camera := filepath.Join(dir, "Ada-camera.webm")
	if s := countFrames(t, camera); s.Frames != s.Packets || s.Packets < 20 {
		t.Errorf("the camera is %+v", s)
	}
	if got, want := decodedSizes(t, camera), sizesOf(i, media.Camera); !slices.Equal(got[1:], want) {
		t.Errorf("the camera is %q, the timeline says %q after the first", got, want)
	}
	streams := probe(t, mkv)
	if len(streams) != 4 {
		t.Errorf("%d media tracks, want 4: %v", len(streams), streams)
	}
	for title, sounds := range map[string]map[float64]bool{
		"Ada (microphone)":   {heardHz: true, 1000: true, 700: false},
		"Ada (screen-audio)": {heardHz: false, 1000: false, 700: true},
	} {
		for hz, there := range sounds {
			level := tone(t, mkv, streams[title].index, hz)
			t.Logf("%s: %v Hz at %.1f dB", title, hz, level)
			if there && level < -30 || !there && level > -50 {
				t.Errorf("%s: %v Hz is at %.1f dB", title, hz, level)
			}
		}
	}
}

// sizesOf returns the sizes that the pictures of a source took, without the first.
func sizesOf(i *show.InfoJSON, source media.Source) (sizes []string) {
	for _, e := range i.Timeline {
		if e.Type == media.EventSize && slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.UID == e.Track && tr.Source == string(source) }) {
			sizes = append(sizes, e.Text)
		}
	}
	return sizes
}

// decodedSizes returns the sizes of the pictures of a file, as ffprobe decodes
// them, each once where it begins.
func decodedSizes(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "csv=p=0:s=x", "-select_streams", "v:0", "-show_entries", "frame=width,height", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	sizes := slices.Compact(strings.Fields(string(out)))
	if len(sizes) == 0 {
		t.Fatalf("%s has no pictures", file)
	}
	return sizes
}
