package player

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback/tape"
)

type entryJSON struct {
	ID         string      `json:"id"`
	State      string      `json:"state"`
	Room       string      `json:"room"`
	Title      string      `json:"title"`
	Start      string      `json:"start"`
	Duration   seconds     `json:"duration"`
	People     []string    `json:"people"`
	Signers    []string    `json:"signers"`
	Access     tape.Access `json:"access"`
	Incomplete bool        `json:"incomplete"`
	Bytes      int64       `json:"bytes"`
	Imported   bool        `json:"imported,omitempty"` // it was made of files
	Problem    *finding    `json:"problem"`
	// Parts are the IDs of the recordings of the same meeting, in order; Part is the number
	// of this one, from 1. None: it is the only one. Gap is what lies between it and the one
	// before, nil if that is not known. Of is the main room's recording, of a breakout room.
	Parts []string `json:"parts,omitempty"`
	Part  int      `json:"part,omitempty"`
	Gap   *seconds `json:"gap,omitempty"`
	Of    string   `json:"of,omitempty"`
}

// entryOf returns what the page lists of a recording.
func entryOf(d *tape.Description) entryJSON {
	j := entryJSON{
		ID: d.ID, State: string(d.State), Room: d.Room, Title: d.Title, Duration: seconds(d.Duration),
		People: []string{}, Signers: signers(d), Access: d.Opens, Bytes: d.Bytes, Imported: d.Imported != nil,
	}
	if !d.Start.IsZero() {
		j.Start = d.Start.UTC().Format(time.RFC3339Nano)
	}
	j.People = append(j.People, namesOf(d.People)...)
	j.Incomplete = d.Verdict().Incomplete()
	j.Problem = findingOf(d)
	return j
}

// namesOf returns what people are called. Two of one name have their identities
// behind it.
func namesOf(people []tape.Person) []string {
	identities := make(map[string]map[string]bool)
	for _, p := range people {
		name := p.Display()
		if identities[name] == nil {
			identities[name] = make(map[string]bool)
		}
		identities[name][p.Identity] = true
	}
	var names []string
	for _, p := range people {
		name := p.Display()
		if len(identities[name]) > 1 {
			name += " (" + p.Identity + ")"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Recordings returns, as JSON, what the page lists of the library. The error is the
// library's.
func (p *Player) Recordings(ctx context.Context) ([]byte, error) {
	all, err := p.c.Library.Recordings(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]entryJSON, 0, len(all))
	places := tape.Places(all)
	for _, d := range all {
		e := entryOf(d)
		if p := places[d.ID]; p != nil {
			e.Parts, e.Part, e.Of = p.Parts, p.Part, p.Of
			if gap := seconds(p.Gap); p.GapKnown {
				e.Gap = &gap
			}
		}
		list = append(list, e)
	}
	b, err := json.Marshal(map[string]any{"recordings": list})
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
