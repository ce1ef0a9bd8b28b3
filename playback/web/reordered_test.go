package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	browser "github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// reordered returns a film of 8 seconds whose pictures are decoded out of turn, with a
// key frame every so many, and 25 pictures a second.
func reordered(t *testing.T, uid uint64, keys string) (media.Track, []media.Frame) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.mkv")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=8,format=yuv420p",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-b_strategy", "0", "-sc_threshold", "0", "-g", keys, "-x264-params", "b-pyramid=normal", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	track := r.Header().Tracks[0]
	track.UID, track.Participant, track.Source, track.Reordered = uid, "bob", media.Camera, true
	var frames []media.Frame
	for block, err := r.Next(); err == nil; block, err = r.Next() {
		block.Frame.Track = uid
		frames = append(frames, block.Frame)
	}
	if len(frames) != 200 {
		t.Fatalf("%d frames", len(frames))
	}
	return track, frames
}

// last has the page show a moment, and returns the time of the picture that is shown then,
// rounded to hundredths, once it is the one of that moment.
const last = `(async (at) => {
	const { player, recording } = sealtape, uid = recording.tracks[0].uid, e = player.element(uid);
	player.show([uid]);
	player.seek(at);
	for (;;) {
		const shown = await new Promise((ok) => {
			const id = e.requestVideoFrameCallback((_, { mediaTime }) => ok(mediaTime));
			setTimeout(() => (e.cancelVideoFrameCallback(id), ok(NaN)), 500);
		});
		if (Math.abs(shown - Math.floor(at * 25) / 25) < 0.005) return Math.round(shown * 100) / 100;
		player.seek(at - 0.5); // another picture first: Chromium tells of none that is shown already
		await new Promise((ok) => setTimeout(ok, 200));
		player.seek(at);
	}
})(%v)`

// TestBrowserShowsReordered: Chromium takes pictures that are decoded out of turn without
// a gap, and shows each at its time, also where segments begin between key frames. Those
// that are turned are seen turned.
func TestBrowserShowsReordered(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const segments = 4
	rec := playertest.Meeting(t, segments)
	tracks := make([]media.Track, 2)
	frames := make([][]media.Frame, 2)
	tracks[0], frames[0] = reordered(t, 100, "50")
	tracks[1], frames[1] = reordered(t, 101, "1000")
	tracks[1].Turned = 90
	// All that is in a segment is shown before what is in the next.
	begins := [][segments + 1]int{{0, 50, 100, 150, 200}, {0, 49, 101, 149, 200}}
	for n := range segments {
		var b bytes.Buffer
		w, err := matroska.NewWriter(&b, matroska.Header{Recording: playertest.ID, Segment: n, Epoch: 1, Start: playertest.Start, Tracks: tracks})
		if err != nil {
			t.Fatal(err)
		}
		for i := range tracks {
			for _, f := range frames[i][begins[i][n]:begins[i][n+1]] {
				if err := w.WriteFrame(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		rec.Data[n] = b.Bytes()
	}
	s := serveBy(t, player.Config{Library: playertest.Of(rec), Patience: player.Patience{Next: time.Hour, Prev: time.Hour}})
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
	// Each shows another picture than the one before: Chromium tells of no other. And none
	// is at the end, where its decoder waits for what comes next.
	times := []float64{0.05, 0.09, 0.13, 0.17, 1.93, 1.97, 2.01, 2.05, 3.99, 4.01, 5.97, 6.01, 7.05}
	list, err := json.Marshal(times)
	if err != nil {
		t.Fatal(err)
	}
	got, err := browser.Eval[map[string]struct {
		MIME, Error string
		Supported   bool
		Ranges      [][2]float64
		Shown       []float64
		Width       int
		Height      int
		Seen        [][3]float64
	}](ctx, page, fmt.Sprintf("%s(%q, %d, %s)", feed, playertest.ID, segments, list))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d tracks", len(got))
	}
	if a, b := got["100"], got["101"]; a.Width != 320 || a.Height != 180 || b.Width != 180 || b.Height != 320 || len(a.Seen) != 25 || len(b.Seen) != 25 {
		t.Errorf("pictures of %dx%d, and turned of %dx%d", a.Width, a.Height, b.Width, b.Height)
	} else {
		for i, want := range a.Seen { // a place x, y goes to 4-y, x
			seen := b.Seen[i%5*5+4-i/5]
			for c := range want {
				if math.Abs(want[c]-seen[c]) > 40 {
					t.Errorf("what is %v at %d, %d, is %v when turned", want, i%5, i/5, seen)
					break
				}
			}
		}
	}
	// The page itself ends the stream where the recording ends, so its last picture is shown,
	// too; and what is played after that is another place. The last picture but one is in the
	// last 50 ms of the recording, which ends where its last picture begins.
	for _, at := range []float64{7.93, 0.05, 7.93} {
		if shown, err := browser.Eval[float64](ctx, page, fmt.Sprintf(last, at)); err != nil || shown != float64(int(at*25))/25 {
			t.Errorf("at %v the page shows the picture of %v, %v", at, shown, err)
		}
	}
	for uid, got := range got {
		if !got.Supported || got.Error != "" || len(got.Ranges) != 1 || got.Ranges[0][0] > 0.002 || got.Ranges[0][1] < 7.998 || got.Ranges[0][1] > 8.002 {
			t.Errorf("%s (%s): %s, buffered %v", uid, got.MIME, got.Error, got.Ranges)
		}
		if len(got.Shown) != len(times) {
			t.Errorf("%s: %d pictures", uid, len(got.Shown))
		}
		for i, at := range got.Shown {
			if want := float64(int(times[i]*25)) / 25; at < want-0.002 || at > want+0.002 {
				t.Errorf("%s: at %v the picture of %v is shown, want %v", uid, times[i], at, want)
			}
		}
	}
	// Where media do not say that they are turned, the page turns them, within the tile.
	boxes, err := browser.Eval[map[string][4]float64](ctx, page, `(() => {
		const out = {};
		for (const turned of ["90", "180", "270"]) {
			const tile = document.createElement("div"), media = document.createElement("div"), video = document.createElement("video");
			tile.className = "tile pictured", media.className = "media", video.dataset.turned = turned;
			tile.style.cssText = "left: 10px; top: 20px; width: 200px; height: 100px";
			media.append(video), tile.append(media), document.getElementById("stage").append(tile);
			const t = tile.getBoundingClientRect(), v = video.getBoundingClientRect();
			out[turned] = [v.left - t.left, v.top - t.top, v.width, v.height].map(Math.round);
			out[turned + " before"] = [video.offsetWidth, video.offsetHeight, 0, 0];
			tile.remove();
		}
		return out;
	})()`)
	if err != nil {
		t.Fatal(err)
	}
	for turned, before := range map[string][4]float64{"90": {100, 200}, "180": {200, 100}, "270": {100, 200}} {
		if boxes[turned] != [4]float64{0, 0, 200, 100} || boxes[turned+" before"] != before {
			t.Errorf("turned by %s: %v, before %v", turned, boxes[turned], boxes[turned+" before"])
		}
	}
}
