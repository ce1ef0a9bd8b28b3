package ingest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestTurner: whatever order pictures are decoded in, as long as a decoder could show
// them, no group has a picture that is shown before one of an earlier group, and nothing
// is lost or moved.
func TestTurner(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		var in []media.Frame
		for at := 0; at < 400; {
			n := 1 + rnd.IntN(turns) // a picture, and those that are made from it
			order := rnd.Perm(n)
			for _, i := range order {
				in = append(in, media.Frame{Time: time.Duration(at+i) * 40 * time.Millisecond, Data: []byte{byte(at + i)}})
			}
			at += n
		}
		turner := turner{reordered: true}
		var groups [][]media.Frame
		for _, f := range in {
			groups = append(groups, turner.add(f)...)
		}
		groups = append(groups, turner.end()...)
		latest := time.Duration(-1)
		for _, g := range groups {
			before := latest
			for _, f := range g {
				if f.Time <= before {
					t.Fatalf("seed %d: %v comes after %v", seed, f.Time, before)
				}
				latest = max(latest, f.Time)
			}
		}
		out := slices.Concat(groups...)
		if !slices.EqualFunc(in, out, func(a, b media.Frame) bool { return a.Time == b.Time && a.Data[0] == b.Data[0] }) {
			t.Fatalf("seed %d: %d frames of %d, or in another order", seed, len(out), len(in))
		}
	}
}

// Pictures whose times make no sense go on all the same, and are not kept for ever.
func TestTurnerHostile(t *testing.T) {
	turner := turner{reordered: true}
	n := 0
	for i := range 5000 {
		for _, g := range turner.add(media.Frame{Time: time.Duration(-i) * time.Second, Data: []byte{1}}) {
			n += len(g)
			for _, f := range g {
				if f.Time < 0 || f.Time > 5000*squeezed {
					t.Fatalf("a frame at %v", f.Time)
				}
			}
		}
		if len(turner.waiting) > most {
			t.Fatalf("%d wait", len(turner.waiting))
		}
	}
	for _, g := range turner.end() {
		n += len(g)
	}
	if n != 5000 {
		t.Errorf("%d frames", n)
	}
}

func TestDated(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	for name, want := range map[string]string{
		"GMT20240506-141500_Recording_1920x1080.mp4": "2024-05-06T14:15:00Z",
		"2026-11-29 14-15-00.mkv":                    "2026-11-29T12:15:00Z",
		"2024-05-06 14.15.00 Board's Zoom Meeting":   "2024-05-06T12:15:00Z",
		"Screen Recording 2026-11-29 at 14.15.00":    "2026-11-29T12:15:00Z",
		"meeting_2026-11-29_14-15-00.webm":           "2026-11-29T12:15:00Z",
		"2026-13-29 14-15-00.mkv":                    "",
		"0000-11-29 14-15-00.mkv":                    "",
		"meeting.mp4":                                "",
	} {
		at, ok := Dated(name, zone)
		if got := at.Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, ok, want)
		}
	}
}

func TestTurn(t *testing.T) {
	for angle, want := range map[float64]int{0: 0, -90: 90, 90: 270, 180: 180, -180: 180, 270: 90, -89.9: 90, 1e9: turn(1e9)} {
		if got := turn(angle); got != want || got < 0 || got > 270 {
			t.Errorf("%v: %d, want %d", angle, got, want)
		}
	}
}

// FuzzLook: whatever ffprobe says of a hostile file, what is taken of it is in bounds.
func FuzzLook(f *testing.F) {
	f.Add([]byte(`{"format":{"duration":"1e9","tags":{"TITLE":"a\nb","creation_time":"2024-05-06T14:15:00.000000Z"}},"streams":[{"index":0,"codec_type":"video","codec_name":"h264","width":2,"height":2,"side_data_list":[{"rotation":-90}]},{"index":1,"codec_type":"audio","codec_name":"aac","channels":8}]}`))
	f.Add([]byte(`{"streams":[{"codec_type":"audio","codec_name":"pcm_s16le","channels":-1}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := &File{Name: "x"}
		if err := file.probed(b); err != nil {
			return
		}
		if len(file.Streams) == 0 || len(file.Streams) > maxStreams || file.Length < 0 {
			t.Fatalf("%+v", file)
		}
		for _, s := range file.Streams {
			if !s.Codec.Known() || s.Turned%90 != 0 || s.Turned < 0 || s.Turned > 270 || s.Codec.Audio() && s.Channels < 1 {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// FuzzLonger: NAL units get lengths of four bytes, whatever they had.
func FuzzLonger(f *testing.F) {
	f.Add([]byte{0, 2, 1, 2, 0, 1, 3}, 2)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		if size < 1 || size > 3 {
			return
		}
		out := longer(b, size)
		if len(out) > 4*len(b)+4 {
			t.Fatalf("%d bytes of %d", len(out), len(b))
		}
		if again := longer(out, 4); string(again) != string(out) {
			t.Fatalf("%x, and then %x", out, again)
		}
	})
}

// FuzzKind: only the first bytes decide.
func FuzzKind(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x20ftypisom"))
	f.Add([]byte("#EXTM3U"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := KindOf(b); (err == nil) != (k != "") {
			t.Fatalf("%q, %v", k, err)
		}
	})
}
