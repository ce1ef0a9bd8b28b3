package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// apart has what plays in the small window, by the same player.
const apart = `(() => {
	const there = () => documentPictureInPicture.window?.document;
	window.videosIn = (place) => [...(place?.querySelectorAll("video") ?? [])].filter((v) => !v.paused && v.readyState > 2 && v.videoWidth > 0);
	window.apart = () => videosIn(there());
	// The recording is short, and over where a machine is slow.
	window.goesOn = () => {
		if (sealtape.player.ended) { sealtape.player.seek(0); sealtape.player.play(); }
		return true;
	};
	window.moves = async (list) => {
		goesOn();
		const videos = list(), from = videos.map((v) => v.currentTime);
		for (const end = performance.now() + 2000; performance.now() < end; await new Promise((again) => setTimeout(again, 10))) {
			if (videos.length > 0 && videos.every((v, i) => v.currentTime > from[i] + 0.3)) return true;
		}
		return false;
	};
})()`

// TestSmallWindowPlays: pictures that play go on in the small window, also while nobody
// sees the page, and back in the page when the window closes.
func TestSmallWindowPlays(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	server := serve(t, playertest.Cameras(t))
	front := httptest.NewServer(server)
	defer front.Close()
	ctx := t.Context()
	page, err := player.Open(ctx, player.PageConfig{URL: server.URL(strings.TrimPrefix(front.URL, "http://")), In: &Sounding, Measure: true, Script: apart})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	}()
	until := func(js string) {
		t.Helper()
		if err := page.Until(ctx, js); err != nil {
			t.Fatal(err)
		}
	}
	click := func(selector string) {
		t.Helper()
		if err := page.Click(ctx, selector); err != nil {
			t.Fatal(err)
		}
	}
	hide := func(hidden string) {
		t.Helper()
		if err := page.Do(ctx, `(Object.defineProperty(document, "hidden", {value: `+hidden+`, configurable: true}), document.dispatchEvent(new Event("visibilitychange")))`); err != nil {
			t.Fatal(err)
		}
	}
	until("window.sealtape?.player && !sealtape.player.waiting")
	click("#play")
	until("goesOn() && videosIn(document).length > 2")
	click("#window")
	until("goesOn() && apart().length > 2 && sealtape.player.phase === 'playing'")
	until("moves(apart)")
	hide("true")
	until("moves(apart)")
	hide("false")
	until("goesOn() && apart().length > 2")
	click("#window")
	until("!documentPictureInPicture.window && goesOn() && videosIn(document).length > 2")
	until("moves(() => videosIn(document))")
	if e := page.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}
}
