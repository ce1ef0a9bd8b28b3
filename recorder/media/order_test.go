package media

import (
	"slices"
	"testing"
	"time"
)

// TestByDecoding: pictures are decoded one after the other, in the order in which they
// are written, and shown at the times of their blocks; others are left alone.
func TestByDecoding(t *testing.T) {
	tracks := []Track{{UID: 1, Codec: H264, Reordered: true}, {UID: 2, Codec: VP8}, {UID: 3, Codec: Opus}}
	var frames []Frame
	for i, at := range []int{0, 8, 4, 2, 6, 9, 12, 10} {
		frames = append(frames, Frame{Track: 1, Time: time.Duration(at)}, Frame{Track: 2, Time: time.Duration(10 - i)}, Frame{Track: 3, Time: time.Duration(i)})
	}
	given := slices.Clone(frames)
	ByDecoding(frames, tracks)
	last := time.Duration(-1)
	for i, f := range frames {
		if f.Shown() != given[i].Time || f.Track != 1 && (f.Time != given[i].Time || f.Later != 0) {
			t.Errorf("frame %d: %+v, was %+v", i, f, given[i])
		}
		if f.Track != 1 {
			continue
		}
		if f.Time <= last {
			t.Errorf("frame %d is decoded at %v, after %v", i, f.Time, last)
		}
		last = f.Time
	}
}
