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
	gap := func(track uint64, who string, from, to time.Duration, why, text string) media.Event {
		return media.Event{Time: from, Type: media.EventGap, Track: track, Participant: who, From: from, To: to, Reason: why, Text: text}
	}
	got := Holes([]media.Event{
		{Type: media.EventJoin, Participant: "ada", Name: "Ada"},
		{Type: media.EventTrack, Participant: "ada", Track: 3, Text: "Ada (camera)"},
		gap(3, "ada", 0, 5*s, media.GapPlaintext, ""),
		gap(0, "ada", 1*s, 3*s, media.GapStart, ""),
		gap(0, "ben", 2*s, 4*s, media.GapStart, ""),
		gap(3, "ada", 5*s, 6*s, media.GapPlaintext, ""),
	})
	want := []media.Event{
		gap(3, "ada", 0, 6*s, media.GapPlaintext, "Ada (camera)"),
		gap(0, "ada", 1*s, 3*s, media.GapStart, "Ada"),
		gap(0, "ben", 2*s, 4*s, media.GapStart, "ben"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
