package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// watched notes what the page asks of the system, and has it answer.
const watched = `(() => {
	const locks = window.locks = [], handlers = window.handlers = {};
	Object.defineProperty(navigator, "wakeLock", {value: {request: async () => {
		if (!document.featurePolicy.allowsFeature("screen-wake-lock")) throw new DOMException("", "NotAllowedError");
		const lock = {released: false, release: async () => { lock.released = true; }};
		locks.push(lock);
		return lock;
	}}});
	const session = navigator.mediaSession;
	session.setActionHandler = (action, handler) => { handlers[action] = handler; };
	session.setPositionState = (state) => { window.position = state; };
	window.held = () => locks.filter((lock) => !lock.released).length;
	window.playing = (tag) => [...sealtape.player.elements().values()].find((e) => e.localName === tag && !e.paused);
	// The recording is short, and over where a machine is slow: then it plays once more. It
	// notes where the page stood for another reason.
	window.stood = [];
	window.goesOn = () => {
		const p = sealtape.player;
		if (p.paused) {
			if (!p.ended) stood.push(p.phase + " at " + p.time.toFixed(2));
			p.seek(1);
			handlers.play({});
		}
		return true;
	};
	// Whoever pauses an element is no part of the page.
	window.pauseOne = async (tag) => {
		let e;
		while (!(e = playing(tag))) {
			goesOn();
			await new Promise((done) => setTimeout(done, 5));
		}
		const paused = new Promise((done) => e.addEventListener("pause", done, {once: true}));
		e.pause();
		await paused;
		await new Promise((done) => setTimeout(done));
		return [sealtape.player.phase, [...sealtape.player.elements().values()].filter((e) => !e.paused).length].join();
	};
})()`

// TestSystem: the system is told what plays and where, its keys work, what it pauses
// stays paused, and the screen stays on while pictures play.
func TestSystem(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	server := serve(t, playertest.Cameras(t))
	front := httptest.NewServer(server)
	defer front.Close()
	ctx := t.Context()
	url := server.URL(strings.TrimPrefix(front.URL, "http://"))
	page, err := player.Open(ctx, player.PageConfig{URL: url, In: &Sounding, Measure: true, Script: watched})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	}()
	do := func(js string) {
		t.Helper()
		if err := page.Do(ctx, js); err != nil {
			t.Fatal(err)
		}
	}
	until := func(js string) {
		t.Helper()
		if err := page.Until(ctx, js); err != nil {
			state, _ := player.Eval[string](ctx, page, `JSON.stringify([sealtape.player.phase, sealtape.player.time, held(), locks.length, stood,
				[...sealtape.player.elements().values()].map((e) => [e.localName, e.paused, e.ended, e.currentTime, e.readyState])])`)
			t.Fatalf("%s: %v: %s", js, err, state)
		}
	}
	want := func(js, value string) {
		t.Helper()
		if got, err := player.Eval[string](ctx, page, "(async () => String(await ("+js+")))()"); err != nil {
			t.Fatal(err)
		} else if got != value {
			t.Errorf("%s is %s, want %s", js, got, value)
		}
	}

	until("window.sealtape?.player && !sealtape.player.waiting")
	want("navigator.mediaSession.metadata.title", "Recording "+testID)
	want("navigator.mediaSession.playbackState", "paused")
	want("held()", "0")
	do("handlers.seekto({seekTime: 1})")
	want("position.position + ' of ' + Math.round(position.duration)", "1 of 15")
	do("(handlers.seekforward({seekOffset: 3}), handlers.seekbackward({seekOffset: 4}))")
	want("position.position", "0")
	do("handlers.play({})")
	until("goesOn() && sealtape.player.phase === 'playing' && held() === 1")
	want("navigator.mediaSession.playbackState", "playing")
	do("handlers.pause({})")
	want("sealtape.player.phase", "paused")
	want("navigator.mediaSession.playbackState", "paused")
	until("held() === 0")

	for _, element := range []string{"audio", "video"} {
		do("handlers.play({})")
		until("goesOn() && sealtape.player.phase === 'playing'")
		want("pauseOne('"+element+"')", "paused,0")
		want("navigator.mediaSession.playbackState", "paused")
	}

	// Pictures that nobody sees are paused by browsers, and the sound goes on.
	do("(sealtape.player.seek(1), handlers.play({}))")
	until("goesOn() && held() === 1 && playing('video')")
	want(`(() => {
		Object.defineProperty(document, "hidden", {value: true, configurable: true});
		return pauseOne("video").then((s) => s.split(",")[0] !== "paused");
	})()`, "true")
	do("(delete document.hidden)")
	until("goesOn() && playing('video')")
	want("sealtape.player.phase === 'paused'", "false")

	// The browser takes the lock back from a page that is not seen.
	do("(sealtape.player.seek(1), handlers.play({}))")
	until("goesOn() && held() === 1")
	want(`(locks.at(-1).released = true, document.dispatchEvent(new Event("visibilitychange")), Promise.resolve().then(held))`, "1")
	do("sealtape.player.pause()")
	until("held() === 0")
	if stood, err := player.Eval[string](ctx, page, "stood.join()"); err != nil || stood != "" {
		t.Errorf("the page stood while it was to play: %s, %v", stood, err)
	}
	if e := page.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}
}
