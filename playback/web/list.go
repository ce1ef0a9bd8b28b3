package web

import (
	"encoding/json"
	"net/http"
	"time"
)

type entryJSON struct {
	ID         string   `json:"id"`
	State      string   `json:"state"`
	Room       string   `json:"room"`
	Title      string   `json:"title"`
	Start      string   `json:"start"`
	Duration   seconds  `json:"duration"`
	People     []string `json:"people"`
	Signers    []string `json:"signers"`
	Access     Access   `json:"access"`
	Incomplete bool     `json:"incomplete"`
	Bytes      int64    `json:"bytes"`
	Problem    string   `json:"problem"`
}

// listRecordings answers with the library.
func (s *Server) listRecordings(w http.ResponseWriter, r *http.Request) {
	entries, err := s.c.Library.Recordings(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := make([]entryJSON, 0, len(entries))
	for _, e := range entries {
		j := entryJSON{
			ID: e.ID, State: e.State, Room: e.Room, Title: e.Title, Duration: seconds(e.Duration),
			People: orEmpty(e.People), Signers: orEmpty(e.Signers),
			Access: e.Access, Incomplete: e.Incomplete, Bytes: e.Bytes, Problem: e.Problem,
		}
		if !e.Start.IsZero() {
			j.Start = e.Start.UTC().Format(time.RFC3339Nano)
		}
		list = append(list, j)
	}
	b, err := json.Marshal(map[string]any{"recordings": list})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.send(w, r, http.StatusOK, append(b, '\n'))
}
