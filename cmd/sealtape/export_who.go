package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxListed is how many participants a hint lists.
const maxListed = 20

// present returns whom --participant can name: those who have tracks, and in a
// text whoever came or wrote.
func (o *exportOptions) present(s *playback.Session) []playback.Participant {
	people := s.Participants()
	if !o.kind.text {
		return people
	}
	for _, e := range s.Events() {
		known := func(p playback.Participant) bool { return p.Identity == e.Participant }
		if (e.Type == media.EventJoin || e.Type == media.EventChat) && e.Participant != "" && !slices.ContainsFunc(people, known) {
			people = append(people, playback.Participant{Identity: e.Participant, Name: e.Name})
		}
	}
	return people
}

// chosenParticipants returns the identities of the participants that --participant names.
// An exact identity or name is preferred to one in another case. A value that fits several
// participants, or none, is an error.
func chosenParticipants(present []playback.Participant, names []string) ([]string, error) {
	var chosen []string
	for _, name := range names {
		var found []playback.Participant
		for _, fits := range []func(playback.Participant) bool{
			func(p playback.Participant) bool { return p.Identity == name },
			func(p playback.Participant) bool { return p.Name == name },
			func(p playback.Participant) bool {
				return strings.EqualFold(p.Name, name) || strings.EqualFold(p.Identity, name)
			},
		} {
			for _, p := range present {
				if name != "" && fits(p) {
					found = append(found, p)
				}
			}
			if len(found) > 0 {
				break
			}
		}
		switch len(found) {
		case 0:
			return nil, ui.Hinted(fmt.Errorf("nobody called %s was recorded", words.Quote(name)), "there were: "+whoTheyAre(present))
		case 1:
			if !slices.Contains(chosen, found[0].Identity) {
				chosen = append(chosen, found[0].Identity)
			}
		default:
			return nil, ui.Hinted(fmt.Errorf("%d participants are called %s", len(found), words.Quote(name)), "choose by identity: "+whoTheyAre(found))
		}
	}
	return chosen, nil
}

// whoTheyAre returns participants with name and identity, for people.
func whoTheyAre(people []playback.Participant) string {
	var all []string
	for _, p := range people[:min(len(people), maxListed)] {
		if p.Name == "" || p.Name == p.Identity {
			all = append(all, p.Identity)
		} else {
			all = append(all, fmt.Sprintf("%s (%s)", p.Name, p.Identity))
		}
	}
	if more := len(people) - maxListed; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}
