package fragment

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// TestReordered: pictures that are shown in another order than they are decoded in get
// both times, in two segments that join, and FFmpeg decodes every one.
func TestReordered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.mkv")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=4,format=yuv420p",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-b_strategy", "0", "-g", "50", "-x264-params", "b-pyramid=normal", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	track := r.Header().Tracks[0]
	track.Reordered = true
	var frames []media.Frame
	for block, err := r.Next(); err == nil; block, err = r.Next() {
		frames = append(frames, block.Frame)
	}
	shown := make(map[time.Duration]bool)
	for _, f := range frames {
		shown[f.Time] = true
	}
	first, second := frames[:50], frames[50:]
	media.ByDecoding(first, []media.Track{track})
	media.ByDecoding(second, []media.Track{track})
	one := Pictures(track, first, Next{Time: second[0].Time, Key: true, Known: true}, never)
	two := Pictures(track, second, Next{}, never)
	if len(one) != 1 || len(two) != 1 || one[0].To != two[0].From || one[0].From != 0 {
		t.Fatalf("%d and %d parts", len(one), len(two))
	}
	// FFmpeg shows all of a fragmented file later if a picture is shown before it is
	// decoded, so the times are read from the boxes.
	if packets, decoded := probe(t, one[0], two[0]); len(packets) != 100 || decoded != 100 {
		t.Fatalf("%d packets, %d decoded", len(packets), decoded)
	}
	turned, last, decodes := 0, time.Duration(-1), time.Duration(-1)
	for _, p := range []Part{one[0], two[0]} {
		f, err := mp4.DecodeFile(bytes.NewReader(slices.Concat(p.Init, p.Media)))
		if err != nil {
			t.Fatal(err)
		}
		for _, frag := range f.Segments[0].Fragments {
			all, err := frag.GetFullSamples(f.Init.Moov.Mvex.Trex)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range all {
				at := time.Duration(int64(s.DecodeTime)+int64(s.CompositionTimeOffset)) * time.Second / mp4Timescale
				if at = at.Round(time.Millisecond); !shown[at] {
					t.Errorf("sample %d is shown at %v, when none is", i, at)
				}
				delete(shown, at)
				if at < last {
					turned++
				}
				if d := time.Duration(s.DecodeTime) * time.Second / mp4Timescale; d <= decodes {
					t.Errorf("sample %d is decoded at %v, after %v", i, d, decodes)
				} else {
					decodes = d
				}
				last = at
			}
		}
	}
	if len(shown) > 0 || turned < 20 {
		t.Errorf("never shown: %v; %d out of turn", shown, turned)
	}
}
