package tape

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// Holes returns the declared holes, as playback.Holes does, with the titles of
// their tracks. Nil names are those of the tracks and holes.
func Holes(tracks []media.Track, names *media.Names, holes []media.Event) []Hole {
	if names == nil {
		names = media.NewNames(tracks, holes)
	}
	titles := make(map[uint64]string)
	for _, t := range tracks {
		titles[t.UID] = names.Title(t)
	}
	var all []Hole
	for _, g := range holes {
		h := Hole{Event: g, Label: titles[g.Track], Wanted: media.Wanted(g.Reason)}
		if h.Label == "" {
			// A participant who sent nothing, or a track without media.
			h.Label = retitled(names, g)
		}
		if h.Label == "" {
			h.Label = fmt.Sprintf("track %d", g.Track)
		}
		all = append(all, h)
	}
	return all
}

// retitled returns the label in an event's Text, "NAME (SOURCE)", with the name
// that tells its participant apart.
func retitled(names *media.Names, e media.Event) string {
	name, source := e.Text, ""
	if i := strings.LastIndex(e.Text, " ("); i >= 0 {
		name, source = e.Text[:i], e.Text[i:]
	}
	if e.Participant == "" || name == "" {
		return e.Text
	}
	return names.Of(e.Participant, "") + media.Plain(source, media.MaxTitle)
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
func silences(tracks []media.Track, names *media.Names, events []media.Event) []Silence {
	var all []Silence
	for _, e := range events {
		known := func(t media.Track) bool {
			return t.Codec != "" && t.Participant == e.Participant && t.Label() == e.Text
		}
		if e.Type == media.EventSilent && !slices.ContainsFunc(tracks, known) {
			all = append(all, Silence{retitled(names, e), e.Participant, e.From, e.To})
		}
	}
	return all
}
