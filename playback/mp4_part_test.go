package playback

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestMP4Part: a part of a meeting that begins between key frames, of one of two
// people, in the layout with a large picture.
func TestMP4Part(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const from, to = 2510 * time.Millisecond, 6020 * time.Millisecond
	ada, pictures := flashes(1, nameless[0], media.VP8, 0, 12*time.Second, 0)
	voice, sound := beeps(t, 2, nameless[0], 12*time.Second, 0)
	bob, others := flashes(3, nameless[1], media.H264, 0, 10*time.Second, 0)
	s := open(t, cut(t, []media.Track{ada, voice, bob}, merged(pictures, sound, others)))
	path := filepath.Join(t.TempDir(), "a.mp4")
	o := MP4Options{Width: 320, Height: 180, Layout: LayoutSpeaker}
	o.From, o.To, o.Participants = from, to, []string{nameless[0]}
	r, err := ExportMP4(t.Context(), s, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.From != from || r.Duration != to-from || r.Incomplete || r.Dropped() != 0 || len(r.Tracks) != 2 {
		t.Errorf("report %+v", r)
	}
	f := decoded(t, path, 320, 180, 25)
	if len(f.luma) != 88 {
		t.Errorf("%d pictures", len(f.luma))
	}
	for k := range f.luma[:len(f.luma)-1] {
		frame, _, ok := f.code(k, 0, 0, 320, 180)
		now := from + time.Duration(k)*40*time.Millisecond
		if d := now - time.Duration(frame)*50*time.Millisecond; !ok || d < -21*time.Millisecond || d > 31*time.Millisecond {
			t.Errorf("at %v picture %d is shown, %v", now, frame, ok)
		}
	}
	onsets := f.loud()
	if len(onsets) != 4 { // at 3, 4, 5 and 6 s
		t.Fatalf("beeps at %v", onsets)
	}
	for i, at := range onsets {
		nearTo(t, fmt.Sprint("beep ", i), at, time.Duration(3+i)*time.Second-from, 5*time.Millisecond)
	}
}

// TestMP4Changes: a camera changes its size and its shape on the way, is muted,
// rests for longer than a decoder waits, and goes on: first with a key frame, then
// without. Each picture is where it was sent, none is left out, and nothing stands
// for one that was muted.
func TestMP4Changes(t *testing.T) {
	t.Parallel()
	camera, all := flashes(1, nameless[0], media.VP8, 0, 34*time.Second, 0)
	const second, rest = time.Second, 12 * time.Second
	var frames []media.Frame
	shifted := func(from, to, by time.Duration) {
		for _, f := range all {
			if f.Time >= from && f.Time < to {
				f.Time += by
				frames = append(frames, f)
			}
		}
	}
	add := func(from, to time.Duration) { shifted(from, to, 0) }
	between := func(from time.Duration, source [][]byte) {
		for i, data := range source {
			key := media.Describe(media.VP8, data).Key
			frames = append(frames, media.Frame{Track: 1, Time: from + time.Duration(i)*50*time.Millisecond, Key: key, Data: data})
		}
	}
	add(0, 2*second)
	between(2*second, fixtures.ClockFrames("vp8")[:20]) // 320x180
	var tall [][]byte
	for _, f := range encode(t, camera, "-f", "lavfi", "-i", "color=white:size=90x160:rate=20:duration=1",
		"-c:v", "libvpx", "-deadline", "realtime", "-auto-alt-ref", "0") {
		tall = append(tall, f.Data)
	}
	between(3*second, tall)
	add(4*second, 6*second)
	add(8*second, 9*second)
	add(20*second, 21*second) // a key frame stands at 20 s,
	shifted(21*second, 22*second, rest)
	if i := len(frames) - 20; frames[i].Time != 33*second || frames[i].Key {
		t.Fatalf("a key frame at %v", frames[i].Time)
	}
	s := open(t, cut(t, []media.Track{camera}, frames,
		media.Event{Time: 6 * second, Type: media.EventMute, Track: 1},
		media.Event{Time: 7900 * time.Millisecond, Type: media.EventUnmute, Track: 1}))
	path := filepath.Join(t.TempDir(), "a.mp4")
	r, err := ExportMP4(t.Context(), s, path, MP4Options{MixOptions: unlevelled, Width: 320, Height: 180, Rate: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.LeftOut) > 0 || r.Incomplete || len(r.Problems) != 0 {
		t.Errorf("left out %+v, problems %v", r.LeftOut, r.Problems)
	}
	f := decoded(t, path, 320, 180, 10)
	if len(f.luma) < 339 {
		t.Fatalf("%d pictures", len(f.luma))
	}
	for k := range f.luma {
		now := time.Duration(k) * 100 * time.Millisecond
		frame, _, ok := f.code(k, 0, 0, 320, 180)
		at := time.Duration(frame) * 50 * time.Millisecond
		middle, side := f.mean(k, 140, 80, 40, 20), f.mean(k, 10, 80, 40, 20)
		switch {
		case now < 2*second, now >= 4*second && now < 6*second, now >= 8*second && now < 9*second, now >= 20*second && now < 21*second:
			if d := now - at; !ok || d < -51*time.Millisecond || d > 51*time.Millisecond {
				t.Errorf("at %v picture %v is shown, %v", now, at, ok)
			}
		case now >= 3*second && now < 4*second:
			if middle < 200 || side > 20 {
				t.Errorf("at %v a white picture that is tall has %d in the middle, %d at the side", now, middle, side)
			}
		case now >= 6*second && now < 8*second:
			if ok || side > 60 || side < 10 {
				t.Errorf("at %v a muted picture is shown: %v, %d", now, at, side)
			}
		case now >= 9*second && now < 20*second:
			if at != 8950*time.Millisecond || !ok {
				t.Errorf("at %v picture %v stands, %v", now, at, ok)
			}
		case now >= 33*second:
			if d := now - rest - at; !ok || d < -51*time.Millisecond || d > 51*time.Millisecond {
				t.Errorf("at %v picture %v is shown, %v", now, at, ok)
			}
		case now >= 21*second:
			if at != 20950*time.Millisecond || !ok {
				t.Errorf("at %v picture %v stands, %v", now, at, ok)
			}
		}
	}
}

// TestMP4Clock: the exported file of a meeting of all the codecs' clocks decodes
// without a word. H265 is not in the flash.
func TestMP4Clock(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	var tracks []media.Track
	var frames []media.Frame
	for i, codec := range []media.Codec{media.H265, media.VP9} {
		track := media.Track{UID: uint64(i + 1), Participant: fmt.Sprint("p", i), Source: media.Camera, Codec: codec}
		for n, data := range fixtures.ClockFrames(string(codec))[:20] {
			data = media.Store(codec, data)
			p := media.Describe(codec, data)
			if track.Private == "" {
				track.Private = p.Private
			}
			frames = append(frames, media.Frame{Track: track.UID, Time: time.Duration(n) * 50 * time.Millisecond, Key: p.Key, Data: data})
		}
		tracks = append(tracks, track)
	}
	s := open(t, cut(t, tracks, merged(frames)))
	path := filepath.Join(t.TempDir(), "a.mp4")
	r, err := ExportMP4(t.Context(), s, path, MP4Options{MixOptions: unlevelled, Width: 640, Height: 360, Rate: 20})
	if err != nil || r.Incomplete || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	f := decoded(t, path, 640, 360, 20)
	if len(f.luma) < 19 || f.peak != 0 {
		t.Errorf("%d pictures, sound of %v", len(f.luma), f.peak)
	}
	// Both are the same clock: the tiles are alike, but for the name.
	left, right := f.mean(10, 10, 100, 300, 120), f.mean(10, 330, 100, 300, 120)
	if left < 40 || left > right+6 || right > left+6 {
		t.Errorf("the tiles have luma %d and %d", left, right)
	}
}
