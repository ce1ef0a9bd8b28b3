package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/words"
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
	Problem    string      `json:"problem"`
}

// entryOf returns what the page lists of a recording.
func entryOf(d *tape.Description) entryJSON {
	j := entryJSON{
		ID: d.ID, State: string(d.State), Room: d.Room, Title: d.Title, Duration: seconds(d.Duration),
		People: []string{}, Signers: signers(d), Access: d.Opens, Bytes: d.Bytes,
	}
	if !d.Start.IsZero() {
		j.Start = d.Start.UTC().Format(time.RFC3339Nano)
	}
	for _, p := range d.People {
		if name := p.Display(); !slices.Contains(j.People, name) {
			j.People = append(j.People, name)
		}
	}
	v := d.Verdict()
	j.Incomplete = v.Incomplete()
	switch distrust := d.Trust().Say("recording " + d.ID); {
	case d.Err != nil:
		j.Problem = d.Err.Error()
	case distrust != "":
		j.Problem = distrust
	case len(d.Missing) > 0:
		j.Problem = words.Count(len(d.Missing), "object") + " missing in the store"
	case len(d.Problems) > 0:
		j.Problem = d.Problems[0]
	case v.Outcome == tape.Damaged:
		j.Problem = v.Say("recording " + d.ID)
	}
	return j
}

// listRecordings answers with the library.
func (s *Server) listRecordings(w http.ResponseWriter, r *http.Request) {
	all, err := s.c.Library.Recordings(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := make([]entryJSON, 0, len(all))
	for _, d := range all {
		list = append(list, entryOf(d))
	}
	b, err := json.Marshal(map[string]any{"recordings": list})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.send(w, r, http.StatusOK, append(b, '\n'))
}
