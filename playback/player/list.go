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
	for _, d := range all {
		list = append(list, entryOf(d))
	}
	b, err := json.Marshal(map[string]any{"recordings": list})
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
