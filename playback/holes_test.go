package playback

import (
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Holes are named by the timeline, also those of a track of which nothing was kept,
// and those of one participant's tracks that never came are no one else's.
func TestHolesHaveNames(t *testing.T) {
	const s = time.Second
	hole := func(track uint64, who string, from, to time.Duration, why, text string) media.Event {
		return media.Event{Time: from, Type: media.EventHole, Track: track, Participant: who, From: from, To: to, Reason: why, Text: text}
	}
	got := Holes([]media.Event{
		{Type: media.EventJoin, Participant: "ada", Name: "Ada"},
		{Type: media.EventTrack, Participant: "ada", Track: 3, Text: "Ada (camera)"},
		hole(3, "ada", 0, 5*s, media.HolePlaintext, ""),
		hole(0, "ada", 1*s, 3*s, media.HoleStart, ""),
		hole(0, "ben", 2*s, 4*s, media.HoleStart, ""),
		hole(3, "ada", 5*s, 6*s, media.HolePlaintext, ""),
	})
	want := []media.Event{
		hole(3, "ada", 0, 6*s, media.HolePlaintext, "Ada (camera)"),
		hole(0, "ada", 1*s, 3*s, media.HoleStart, "Ada"),
		hole(0, "ben", 2*s, 4*s, media.HoleStart, "ben"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
