package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// codecs has a camera in each codec, and two voices.
func codecs(r player.Readers) (player.Meeting, error) {
	m, err := player.Flashes(r, 2, 4, 20*time.Second, false)
	for i, codec := range []media.Codec{media.VP8, media.VP9, media.H264, media.AV1} {
		if err != nil {
			return m, err
		}
		member := &m.Members[i]
		camera := &member.Tracks[len(member.Tracks)-1]
		camera.Loop, err = player.Flash(codec)
	}
	return m, err
}

// TestFirefox: Debian's Firefox runs the program, and plays every codec of a recording.
func TestFirefox(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, codecs)
	ctx := sample.Context(t)
	f, err := player.OpenFirefox(ctx, servePage(t, r, newObjectServer(t, r.folder, 0)).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	do := func(js string) {
		t.Helper()
		if err := f.Until(ctx, js); err != nil {
			const state = `JSON.stringify({ shown: document.body.innerText.slice(0, 500),
				phase: sealtape.player?.phase, time: sealtape.player?.time, tracks: sealtape.recording?.tracks.map((t) => {
					const e = sealtape.player.element(t.uid), at = e.buffered;
					return [t.codec, e.readyState, e.networkState, e.seeking, e.paused, e.ended, e.currentTime, e.error?.message, e.videoWidth,
						Array.from(at, (_, i) => [at.start(i), at.end(i)])];
				}) })`
			shown, _ := player.EvalFirefox[string](ctx, f, state)
			t.Fatalf("%v; the page shows %s", err, shown)
		}
	}
	do("window.sealtape?.player")
	do("(sealtape.player.play(), true)")
	for _, at := range []int{0, 12} {
		do(fmt.Sprintf("(sealtape.player.seek(%d), true)", at))
		do(fmt.Sprintf("sealtape.player.phase === 'playing' && sealtape.player.time > %d.5", at))
		const moving = `sealtape.recording.tracks.filter((t) => {
			const e = sealtape.player.element(t.uid);
			return e.readyState >= 2 && !e.seeking && e.currentTime > %d.3 && (t.kind === "audio" || e.videoWidth > 0);
		}).map((t) => t.codec).sort()`
		do(fmt.Sprintf(moving+".length >= 6", at))
		got, err := player.EvalFirefox[[]string](ctx, f, fmt.Sprintf(moving, at))
		if want := []string{"av1", "h264", "opus", "opus", "vp8", "vp9"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("from %d s on, it plays %q, want %q; %v", at, got, want, err)
		}
	}
}
