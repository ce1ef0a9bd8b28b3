package tape

import (
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// Label returns the name of a track for people, also of one that is not among
// tracks.
func Label(tracks []media.Track, uid uint64) string {
	for _, t := range tracks {
		if t.UID == uid {
			return t.Label()
		}
	}
	return fmt.Sprintf("track %d", uid)
}

// Holes returns the declared holes, as playback.Holes does, with the names of
// their tracks.
func Holes(tracks []media.Track, holes []media.Event) []Hole {
	var all []Hole
	for _, g := range holes {
		h := Hole{Event: g, Label: Label(tracks, g.Track), Wanted: media.Wanted(g.Reason)}
		// A participant who sent nothing, or a track without media.
		if g.Text != "" && !slices.ContainsFunc(tracks, func(t media.Track) bool { return t.UID == g.Track }) {
			h.Label = g.Text
		}
		all = append(all, h)
	}
	return all
}

// wide counts the holes that make a recording incomplete.
func wide(holes []Hole) int {
	var events []media.Event
	for _, h := range holes {
		events = append(events, h.Event)
	}
	return len(playback.WideHoles(events))
}

// silences returns what was published and on which nothing was ever sent.
func silences(tracks []media.Track, events []media.Event) []Silence {
	var all []Silence
	for _, e := range events {
		known := func(t media.Track) bool {
			return t.Codec != "" && t.Participant == e.Participant && t.Label() == e.Text
		}
		if e.Type == media.EventSilent && !slices.ContainsFunc(tracks, known) {
			all = append(all, Silence{e.Text, e.Participant, e.From, e.To})
		}
	}
	return all
}
