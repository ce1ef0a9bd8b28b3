package livekit

import (
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

// trackRequests are the tracks that the recorder asked the server for and that have
// not come.
type trackRequests struct {
	mu   sync.Mutex
	byID map[string]*trackRequest
}

type trackRequest struct {
	info  recorder.TrackInfo // Wanted is zero while it is muted
	muted bool               // it was muted at some time since it was asked for
}

// add adds a track that the recorder asks for, now or before.
func (w *trackRequests) add(info recorder.TrackInfo, muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID[info.ID] != nil {
		return
	}
	if w.byID == nil {
		w.byID = make(map[string]*trackRequest)
	}
	if !muted {
		info.Wanted = time.Now()
	}
	w.byID[info.ID] = &trackRequest{info, muted}
}

// take removes a track that has come, or will not come. It returns since when it
// was missing, if it was never muted meanwhile, and since when the server was
// ready.
func (w *trackRequests) take(id string) (wanted, offered time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req := w.byID[id]; req != nil && !req.muted {
		wanted, offered = req.info.Wanted, req.info.Offered
	}
	delete(w.byID, id)
	return wanted, offered
}

// mute notes that a track is muted or unmuted. A muted track is not missing.
func (w *trackRequests) mute(id string, muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	req := w.byID[id]
	switch {
	case req == nil:
	case muted:
		req.muted, req.info.Wanted = true, time.Time{}
	case req.info.Wanted.IsZero():
		req.info.Wanted = time.Now()
	}
}

// offered notes which of the tracks are in a session description of the server:
// it is ready to send them.
func (w *trackRequests) offered(sdp string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, req := range w.byID {
		if req.info.Offered.IsZero() && strings.Contains(sdp, id) {
			req.info.Offered = time.Now()
		}
	}
}

// unoffered reports whether the server is not ready for some of the tracks.
func (w *trackRequests) unoffered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, req := range w.byID {
		if req.info.Offered.IsZero() {
			return true
		}
	}
	return false
}

// missed returns the tracks that are not muted.
func (w *trackRequests) missed() (infos []recorder.TrackInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, req := range w.byID {
		if !req.info.Wanted.IsZero() {
			infos = append(infos, req.info)
		}
	}
	return infos
}

// Waiting implements recorder.Waiter.
func (r *Room) Waiting() []recorder.TrackInfo {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	if s == nil || !s.alive() {
		return nil
	}
	if s.requests.unoffered() {
		s.requests.offered(s.offer())
	}
	return s.requests.missed()
}
