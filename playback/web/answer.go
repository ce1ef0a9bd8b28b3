package web

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/sealtape/sealtape/playback"
)

// A problem is an error as it is sent to the page, which has the words for it.
type problem struct {
	Error string `json:"error"` // locked, failed, gone, later
}

// problemOf maps an error to a status and a problem. The error's own text is for
// the log only: it may name stores and paths.
func problemOf(err error) (int, problem) {
	switch {
	case errors.Is(err, playback.ErrLocked):
		return http.StatusLocked, problem{"locked"}
	case errors.Is(err, playback.ErrDamaged), errors.Is(err, playback.ErrForeign):
		return http.StatusUnprocessableEntity, problem{"failed"}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, playback.ErrNotListed), errors.Is(err, playback.ErrRange), errors.Is(err, playback.ErrNothing):
		return http.StatusNotFound, problem{"gone"}
	}
	return http.StatusServiceUnavailable, problem{"later"}
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	status, p := problemOf(err)
	if !errors.Is(err, context.Canceled) {
		s.log.Debug("request failed", "status", status, "err", err)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	b, _ := json.Marshal(p)
	s.send(w, r, status, append(b, '\n'))
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
