package player

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback/tape"
)

// nearby is in how many recordings of a store the other parts of a meeting are looked for
// without being asked for all.
const nearby = 200

// A meetingJSON has the parts of a recording's meeting.
type meetingJSON struct {
	// Parts are the recordings of the meeting, in order; none if this is the only one.
	Parts []partJSON `json:"parts"`
	// Before: it says that it goes on with a meeting of which another recording is not here, or
	// does not count.
	Before bool `json:"before,omitempty"`
	// Partly: the store has so many recordings that a later part was not looked for.
	Partly bool `json:"partly,omitempty"`
}

// A partJSON is one of them.
type partJSON struct {
	ID       string      `json:"id"`
	Start    string      `json:"start"`
	Duration seconds     `json:"duration"`
	Access   tape.Access `json:"access"`
	Gap      *seconds    `json:"gap,omitempty"`   // between the part before and this one
	Apart    bool        `json:"apart,omitempty"` // told of, and it does not count as a part, or does not open
}

// Meeting returns, as JSON, the parts of the meeting that a recording is of. With told, the
// IDs of all of them in order, these are described and no other: somebody told the reader
// of them. Without, they are looked for in the library; whole looks in all of it, however
// large it is. The error is the library's.
func (p *Player) Meeting(ctx context.Context, id string, told []string, whole bool) ([]byte, error) {
	var m meetingJSON
	var err error
	if len(told) > 0 {
		m, err = p.toldMeeting(ctx, id, told)
	} else {
		m, err = p.foundMeeting(ctx, id, whole)
	}
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

func (p *Player) foundMeeting(ctx context.Context, id string, whole bool) (m meetingJSON, err error) {
	most := nearby
	if whole {
		most = 0
	}
	all, complete, err := p.c.Library.Near(ctx, id, most)
	if err != nil {
		return m, err
	}
	m = meetingJSON{Parts: []partJSON{}, Partly: !complete}
	places := tape.Places(all)
	parts := []string{id}
	if place := places[id]; place != nil && len(place.Parts) > 0 {
		parts = place.Parts
	}
	for _, part := range parts {
		i := slices.IndexFunc(all, func(d *tape.Description) bool { return d.ID == part })
		if i < 0 {
			continue
		}
		j := partOf(all[i])
		if place := places[part]; place.GapKnown {
			gap := seconds(place.Gap)
			j.Gap = &gap
		}
		m.Parts = append(m.Parts, j)
		// Whatever does not count of what it says: the meeting began before, elsewhere.
		if part == id || part == parts[0] {
			m.Before = m.Before || all[i].Follows != "" && places[part].Problem != ""
		}
	}
	if len(m.Parts) < 2 {
		m.Parts = []partJSON{}
	}
	return m, nil
}

func (p *Player) toldMeeting(ctx context.Context, id string, told []string) (m meetingJSON, err error) {
	all, err := p.c.Library.Some(ctx, told)
	if err != nil {
		return m, err
	}
	problems := tape.Told(all, id)
	var end time.Time
	for _, d := range all {
		j := partOf(d)
		j.Apart = problems[d.ID] != ""
		if !j.Apart && !d.Start.IsZero() {
			if !end.IsZero() {
				gap := seconds(d.Start.Sub(end))
				j.Gap = &gap
			}
			if e := d.Start.Add(d.Duration); e.After(end) {
				end = e
			}
		} else {
			end = time.Time{} // what lies between is not known
		}
		m.Parts = append(m.Parts, j)
	}
	return m, nil
}

func partOf(d *tape.Description) partJSON {
	j := partJSON{ID: d.ID, Duration: seconds(d.Duration), Access: d.Opens}
	if !d.Start.IsZero() {
		j.Start = d.Start.UTC().Format(time.RFC3339Nano)
	}
	return j
}
