package livekit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/native"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestSelection records a camera of 1280x720 that is sent in three sizes, and its
// microphone, by recorders that want different things of it.
func TestSelection(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	s, ctx := server(t)
	const room = "r"
	// A server that has no picture of the wanted size yet sends a larger one. Where a machine
	// is busy, it sends smaller ones after a while.
	const settled = 4 * time.Second
	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: room, Identity: "ada", Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	ada, err := native.Start(ctx, native.Config{URL: s.URL, Token: token, Passphrase: passphrase, Hz: 440,
		Codec: "vp8", Width: 1280, Height: 720, Simulcast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ada.Leave(); err != nil {
			t.Error(err)
		}
	})
	wanted := []struct {
		identity string
		s        livekit.Selection
		largest  int // the height of the largest picture that comes then, 0 for none
		tells    string
		leftOut  string
		l        *life
	}{
		{identity: "all", largest: 720, tells: "1280x720 "},
		{identity: "less", s: livekit.Selection{MaxVideo: 360}, largest: 360, tells: "1280x720 max-video"},
		{identity: "sound", s: livekit.Selection{AudioOnly: true}, leftOut: "camera audio-only"},
	}
	for i := range wanted {
		w := &wanted[i]
		w.l = live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: room,
			Identity: w.identity, Selection: w.s}, recorder.Config{})
	}
	for _, w := range wanted {
		w.l.until("sound, and the largest picture", func(frames []media.Frame, _ []media.Event) bool {
			sound, camera := w.l.track(media.Microphone), w.l.track(media.Camera)
			return after(frames, sound, 0) > 50 && (w.largest == 0 || after(frames, camera, settled) > 60 && slices.Contains(heights(frames, camera, 0), w.largest))
		})
		w.l.stop()
		w.l.wait()
		frames, events, _ := w.l.read()
		if got := heights(frames, w.l.track(media.Camera), settled); slices.ContainsFunc(got, func(lines int) bool { return lines > w.largest }) {
			t.Errorf("%s got pictures of %d lines, want no more than %d", w.identity, got, w.largest)
		}
		var tells []string
		for _, e := range kind(events, media.EventPublished) {
			tells = append(tells, e.Text+" "+e.Reason)
		}
		if want := slices.DeleteFunc([]string{w.tells}, func(s string) bool { return s == "" }); !slices.Equal(tells, want) {
			t.Errorf("%s was told that %q is published, want %q", w.identity, tells, want)
		}
		var leftOut []string
		for _, e := range kind(events, media.EventLeftOut) {
			leftOut = append(leftOut, e.Text+" "+e.Reason)
		}
		if want := slices.DeleteFunc([]string{w.leftOut}, func(s string) bool { return s == "" }); !slices.Equal(leftOut, want) {
			t.Errorf("%s left out %q, want %q", w.identity, leftOut, want)
		}
		for reason, hole := range w.l.report.Holes {
			switch {
			case reason == media.HoleLoss: // as a busy machine has it
			case reason != media.HoleStart || w.s.AudioOnly:
				t.Errorf("%s misses %v: %s", w.identity, hole, reason)
			}
		}
		if len(w.l.report.Small) > 0 {
			t.Errorf("%s says of sizes %+v", w.identity, w.l.report.Small)
		}
	}
}

// track returns the UID of what comes from a source, of whom there is one. On a busy machine
// any may be the first.
func (l *life) track(source media.Source) uint64 {
	l.t.Helper()
	_, _, tracks := l.read()
	for uid, t := range tracks {
		if t.Source == source {
			return uid
		}
	}
	return 0
}

// heights returns of how many lines the pictures of a track in VP8 are that are there after a
// time.
func heights(frames []media.Frame, uid uint64, at time.Duration) (all []int) {
	height := 0
	for _, f := range frames {
		if f.Track != uid {
			continue
		}
		if p := media.Describe(media.VP8, f.Data); p.Height > 0 {
			height = p.Height
		}
		if f.Time > at && !slices.Contains(all, height) {
			all = append(all, height)
		}
	}
	return all
}
