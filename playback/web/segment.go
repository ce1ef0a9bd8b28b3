package web

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// segment answers with the tracks of one segment that are asked for.
func (s *Server) segment(w http.ResponseWriter, r *http.Request, id string, n int) {
	wanted, err := tracksWanted(r)
	if err != nil {
		http.Error(w, "tracks are numbers, separated by commas", http.StatusBadRequest)
		return
	}
	out := &stream{w: w, head: http.Header{"Content-Type": {"application/octet-stream"}}}
	var to io.Writer = out
	if r.Method == http.MethodHead {
		to = io.Discard
	}
	switch err = s.player.Segment(r.Context(), id, n, wanted, to); {
	case err == nil:
		out.begin() // no track may be in it
	case !out.begun:
		s.fail(w, r, err)
	case r.Context().Err() == nil:
		s.log.Debug("a segment broke off", "err", err)
		panic(http.ErrAbortHandler) // the browser must not take it for whole
	}
}

// tracksWanted returns the UIDs that are asked for. Nil means all.
func tracksWanted(r *http.Request) ([]uint64, error) {
	if !r.URL.Query().Has("tracks") {
		return nil, nil
	}
	wanted := []uint64{}
	for s := range strings.SplitSeq(r.URL.Query().Get("tracks"), ",") {
		if s == "" {
			continue
		}
		uid, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, uid)
	}
	return wanted, nil
}
