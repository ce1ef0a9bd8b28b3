package playback

import (
	"cmp"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Participant is somebody who has tracks. Both strings are what the room's
// server says: a claim.
type Participant struct {
	Identity, Name string // in the room; as displayed
}

// Participants returns those who have tracks, in order of appearance.
func (s *Session) Participants() []Participant {
	var people []Participant
	place := make(map[string]int)
	for _, t := range s.Tracks() {
		i, ok := place[t.Participant]
		if !ok {
			i = len(people)
			place[t.Participant] = i
			people = append(people, Participant{Identity: t.Participant})
		}
		people[i].Name = cmp.Or(people[i].Name, t.Name)
	}
	return people
}

// Names returns the names of all who are in the recording, such that they can be
// told apart.
func (s *Session) Names() *media.Names { return media.NewNames(s.Tracks(), s.Events()) }
