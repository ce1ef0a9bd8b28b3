package media

import (
	"cmp"
	"slices"
	"time"
)

// ByDecoding sets the Time and Later of frames of tracks that are Reordered. The
// frames are in the order in which they were written, and their Time is that of
// their blocks: when they are shown. Frames of other tracks are left alone.
//
// Pictures take turns: the first one that is decoded gets the earliest of their
// times, and so on. Players need no other times to decode by, and writers keep none.
// That works segment by segment, since a writer begins a segment only where all later
// pictures are also shown later.
func ByDecoding(frames []Frame, tracks []Track) {
	for _, t := range tracks {
		if !t.Reordered {
			continue
		}
		var places []int
		var times []time.Duration
		for i, f := range frames {
			if f.Track == t.UID {
				places = append(places, i)
				times = append(times, f.Time)
			}
		}
		slices.SortFunc(times, cmp.Compare)
		for n, i := range places {
			f := &frames[i]
			f.Time, f.Later = times[n], f.Time-times[n]
		}
	}
}

// Shown returns when a picture is shown, or sound heard.
func (f Frame) Shown() time.Duration { return f.Time + f.Later }
