package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/playback/player"
)

// A problem is an error as it is sent to the page, which has the words for it.
type problem struct {
	Error player.Kind `json:"error"`
}

var statuses = map[player.Kind]int{
	player.Locked:  http.StatusLocked,
	player.Damaged: http.StatusUnprocessableEntity,
	player.Gone:    http.StatusNotFound,
	player.Later:   http.StatusServiceUnavailable,

	player.RolledBack: http.StatusConflict,
	player.Foreign:    http.StatusPreconditionFailed,
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	if errors.Is(err, player.ErrRequest) {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kind := player.KindOf(err)
	status := statuses[kind]
	if !errors.Is(err, context.Canceled) {
		s.log.Debug("request failed", "status", status, "err", err)
	}
	if kind == player.Later {
		w.Header().Set("Retry-After", "1")
	}
	b, _ := json.Marshal(problem{kind})
	s.send(w, r, status, append(b, '\n'))
}

// answer answers with JSON, or with the error.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, b []byte, err error) {
	switch {
	case err != nil:
		s.fail(w, r, err)
	case r.Context().Err() == nil:
		s.send(w, r, http.StatusOK, b)
	}
}

// send answers with JSON.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(b)
	}
}

// A stream is the body of a long answer. Its header is set before the first byte. A
// browser has some time for each piece.
type stream struct {
	w     http.ResponseWriter
	head  http.Header
	begun bool
}

func (f *stream) begin() {
	if !f.begun {
		f.begun = true
		maps.Copy(f.w.Header(), f.head)
	}
}

func (f *stream) Write(b []byte) (n int, err error) {
	const piece = 1 << 20
	f.begin()
	for len(b) > 0 {
		http.NewResponseController(f.w).SetWriteDeadline(time.Now().Add(writePatience))
		m, err := f.w.Write(b[:min(piece, len(b))])
		n += m
		if err != nil {
			return n, fmt.Errorf("writing to the browser: %w", err)
		}
		b = b[m:]
	}
	return n, nil
}
