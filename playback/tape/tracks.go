package tape

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Tracks returns tracks with what the timeline says of them, and the tracks that
// it announced and that have no media. The timeline is in order and ends at end.
func Tracks(kept []media.Track, events []media.Event, end time.Duration) []Track {
	tracks := slices.Clone(kept)
	plain := make(map[uint64]bool)
	for _, e := range events {
		t, ok := media.Announced(e)
		if ok && !slices.ContainsFunc(tracks, func(k media.Track) bool { return k.UID == t.UID }) {
			tracks = append(tracks, t)
		}
		if ok && e.Reason == media.TrackPlaintext {
			plain[e.Track] = true
		}
	}
	sizes := publishedOf(events, end)
	var all []Track
	for _, t := range tracks {
		track := Track{Track: t, Plaintext: plain[t.UID]}
		if p := sizes[t.UID]; p != nil {
			track.PublishedWidth, track.PublishedHeight, track.Less = p.width, p.height, p.less
			if t.Source != media.Screen {
				track.Smaller = p.smaller
			}
		}
		all = append(all, track)
	}
	return all
}
