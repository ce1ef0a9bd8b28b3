package recorder_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// TestIndexOfPictures: a camera that grows, shrinks and has key frames where it
// likes. The index tells of each segment how large its pictures are and which key
// frame they begin with; headers and the index of tracks tell the largest so far.
func TestIndexOfPictures(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 6500 * time.Millisecond, Segment: time.Second, KeyFrames: recorder.Never}, func(room *roomtest.Room, _ func()) {
		cam := newCamera(room, vp8Info, media.VP8, nil)
		keys := map[int][2]int{0: {320, 180}, 24: {640, 360}, 90: {180, 320}}
		for n := range 120 {
			size, key := keys[n]
			f := vp8Frame(n, key)
			if key {
				f[6], f[7], f[8], f[9] = byte(size[0]), byte(size[0]>>8), byte(size[1]), byte(size[1]>>8)
			}
			cam.send(t, n, f)
			time.Sleep(50 * time.Millisecond)
		}
	})
	if len(s.indexes) != 1 {
		t.Fatalf("%d indexes", len(s.indexes))
	}
	x, err := media.ReadIndex(bytes.NewReader(s.indexes[0]))
	if err != nil {
		t.Fatal(err)
	}
	if tr := x.Tracks; len(tr) != 1 || tr[0].Width != 640 || tr[0].Height != 360 {
		t.Errorf("the index tells of %+v", tr)
	}
	var got []string
	for _, seg := range x.Segments {
		for _, tr := range seg.Tracks {
			at := "-"
			if tr.Continues {
				at = tr.Begin.Round(100 * time.Millisecond).String()
			}
			var keys []string
			for _, k := range tr.Keys {
				keys = append(keys, k.Round(100*time.Millisecond).String())
			}
			got = append(got, fmt.Sprintf("%s [%s] %dx%d", at, strings.Join(keys, " "), tr.Width, tr.Height))
		}
	}
	// The first segment waits for the clock to settle.
	want := []string{"- [0s 1.2s] 640x360", "1.2s [] 0x0", "1.2s [] 0x0", "1.2s [] 0x0", "- [4.5s] 180x320", "4.5s [] 0x0"}
	if !slices.Equal(got, want) {
		t.Errorf("the index tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var sizes []string
	for _, b := range s.segments {
		for _, tr := range headerOf(t, b).Tracks {
			sizes = append(sizes, fmt.Sprintf("%dx%d", tr.Width, tr.Height))
		}
	}
	if !slices.IsSortedFunc(sizes, func(a, b string) int { return strings.Compare(a, b) }) || sizes[0] != "320x180" || sizes[len(sizes)-1] != "640x360" {
		t.Errorf("headers tell %q", sizes)
	}
}
