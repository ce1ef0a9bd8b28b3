package web

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	browser "github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// feed feeds a browser's Media Source Extensions with what the server gives, a
// SourceBuffer for each track, and looks for pictures at given times.
const feed = `(async (id, segments, times) => {
	const {HTTPSource} = await import(new URL("../page/engine/http_source.js", location.href));
	const source = new HTTPSource(), got = new Map();
	for (let n = 0; n < segments; n++) {
		const tracks = [];
		await source.segment(id, n, ["11", "100", "101", "102", "103", "104"], null, (uid, parts) => tracks.push([uid, parts]));
		for (const [uid, parts] of tracks) {
			got.set(uid, (got.get(uid) || []).concat(parts));
		}
	}
	const out = {};
	const event = (target, type) => new Promise((done, fail) => {
		target.addEventListener(type, done, {once: true});
		target.addEventListener("error", (e) => fail(new Error(type + ": " + (target.error?.message || "error"))), {once: true});
	});
	for (const [uid, parts] of got) {
		if (parts.length === 0) continue; // it has no such track
		const o = out[uid] = {mime: parts[0].mime, supported: MediaSource.isTypeSupported(parts[0].mime), ranges: [], shown: []};
		if (!o.supported) continue;
		const e = document.createElement("video"), source = new MediaSource();
		e.muted = true;
		const first = new Promise((done) => e.requestVideoFrameCallback(done)); // may come late, and be taken for that of a seek
		e.src = URL.createObjectURL(source);
		await event(source, "sourceopen");
		const buffer = source.addSourceBuffer(o.mime);
		let init = "";
		for (const p of parts) {
			for (const b of p.initID === init ? [p.media] : [p.init, p.media]) {
				const done = event(buffer, "updateend");
				buffer.appendBuffer(b);
				try { await done; } catch (err) { o.error = String(err) + " " + (e.error?.message || ""); }
			}
			init = p.initID;
		}
		for (let i = 0; i < buffer.buffered.length; i++) o.ranges.push([buffer.buffered.start(i), buffer.buffered.end(i)]);
		if (uid !== "11" && !o.error) await first;
		for (const t of uid === "11" || o.error ? [] : times) {
			const frame = new Promise((done) => e.requestVideoFrameCallback((_, m) => done(m.mediaTime)));
			const done = event(e, "seeked");
			e.currentTime = t;
			await done;
			let shown = await frame;
			if (Math.abs(shown - t) > .045) { // on a busy machine, the one from before the seek
				const next = new Promise((done) => e.requestVideoFrameCallback((_, m) => done(m.mediaTime)));
				shown = await Promise.race([next, new Promise((done) => setTimeout(() => done(shown), 1000))]);
			}
			o.shown.push(shown);
		}
		o.width = e.videoWidth, o.height = e.videoHeight;
		if (uid === "11" || o.error) continue;
		// What is seen, in five times five places.
		const canvas = document.createElement("canvas");
		canvas.width = o.width, canvas.height = o.height;
		const drawing = canvas.getContext("2d");
		drawing.drawImage(e, 0, 0);
		o.seen = [];
		for (let i = 0; i < 25; i++) {
			const x = o.width * (i % 5 + .5) / 5, y = o.height * (Math.floor(i / 5) + .5) / 5;
			const [r, g, b] = drawing.getImageData(x, y, 1, 1).data;
			o.seen.push([r, g, b]);
		}
	}
	return out;
})`

// TestBrowserTakesSegments: Chromium takes every track as it is served, without
// dropping a frame, and shows each picture at its time.
func TestBrowserTakesSegments(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := serveBy(t, player.Config{Library: playertest.Of(playertest.Cameras(t)), Patience: player.Patience{Next: time.Hour, Prev: time.Hour}})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ctx := sample.Context(t)
	page, err := browser.Open(ctx, browser.PageConfig{In: &Sounding, URL: s.URL(server.Listener.Addr().String()), Log: func(text string) { t.Log(text) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	times := []float64{0.02, 1.51, 3.42, 6.01, 7.77, 9.51, 11.5, 12.51, 14.42}
	want := []float64{0, 1.5, 3.4, 6, 7.75, 9.45, 9.45, 12.5, 14.4}
	list, err := json.Marshal(times)
	if err != nil {
		t.Fatal(err)
	}
	tracks, err := browser.Eval[map[string]struct {
		MIME      string
		Supported bool
		Error     string
		Width     int
		Ranges    [][2]float64
		Shown     []float64
	}](ctx, page, fmt.Sprintf("%s(%q, 6, %s)", feed, testID, list))
	if err != nil {
		t.Fatal(err)
	}
	if len(tracks) != 6 {
		t.Fatalf("%d tracks", len(tracks))
	}
	for uid, got := range tracks {
		if !got.Supported && uid != "104" { // H.265 is up to the machine
			t.Errorf("%s: %s is not supported", uid, got.MIME)
		}
		if !got.Supported {
			continue
		}
		end := 15.0
		if uid == "11" {
			end = 14.82
		} else if got.Width != 320 {
			t.Errorf("%s: %d pixels wide", uid, got.Width)
		}
		// The hole does not count for one if the picture that stands still is
		// longer: Chromium takes what is near by a track's own measure for joined.
		n := len(got.Ranges)
		if got.Error != "" || n < 1 || n > 2 || got.Ranges[0][0] > 0.002 || (got.Ranges[n-1][1]-end)*(got.Ranges[n-1][1]-end) > 0.002*0.002 ||
			n == 2 && (got.Ranges[0][1] != 4 || got.Ranges[1][0] != 6) {
			t.Errorf("%s (%s): %s, buffered %v, want up to %v", uid, got.MIME, got.Error, got.Ranges, end)
			continue
		}
		if len(got.Shown) != len(want) && uid != "11" {
			t.Errorf("%s: %d pictures", uid, len(got.Shown))
		}
		for i, at := range got.Shown {
			if at < want[i]-0.002 || at > want[i]+0.002 {
				t.Errorf("%s (%s): at %v the picture of %v is shown, want %v", uid, got.MIME, times[i], at, want[i])
			}
		}
	}
}
