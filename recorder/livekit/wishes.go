package livekit

import (
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

// wishes are the tracks that the recorder asked the server for and that have not
// come.
type wishes struct {
	mu sync.Mutex
	of map[string]*wish // by track
}

type wish struct {
	info  recorder.TrackInfo // Wanted is zero while it is muted
	muted bool               // it was muted at some time since it was asked for
}

// add adds a track that the recorder asks for, now or before.
func (w *wishes) add(info recorder.TrackInfo, muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[info.ID] != nil {
		return
	}
	if w.of == nil {
		w.of = make(map[string]*wish)
	}
	if !muted {
		info.Wanted = time.Now()
	}
	w.of[info.ID] = &wish{info, muted}
}

// take removes a track that has come, or will not come. It returns since when it
// was missing, if it was never muted meanwhile, and since when the server was
// ready.
func (w *wishes) take(id string) (wanted, offered time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if it := w.of[id]; it != nil && !it.muted {
		wanted, offered = it.info.Wanted, it.info.Offered
	}
	delete(w.of, id)
	return wanted, offered
}

// mute notes that a track is muted or unmuted. A muted track is not missing.
func (w *wishes) mute(id string, muted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	it := w.of[id]
	switch {
	case it == nil:
	case muted:
		it.muted, it.info.Wanted = true, time.Time{}
	case it.info.Wanted.IsZero():
		it.info.Wanted = time.Now()
	}
}

// offered notes which of the tracks are in a session description of the server:
// it is ready to send them.
func (w *wishes) offered(sdp string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, it := range w.of {
		if it.info.Offered.IsZero() && strings.Contains(sdp, id) {
			it.info.Offered = time.Now()
		}
	}
}

// unoffered reports whether the server is not ready for some of the tracks.
func (w *wishes) unoffered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range w.of {
		if it.info.Offered.IsZero() {
			return true
		}
	}
	return false
}

// missed returns the tracks that are not muted.
func (w *wishes) missed() (infos []recorder.TrackInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range w.of {
		if !it.info.Wanted.IsZero() {
			infos = append(infos, it.info)
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
	if s.wanted.unoffered() {
		s.wanted.offered(s.offer())
	}
	return s.wanted.missed()
}
