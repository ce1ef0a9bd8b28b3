package recorder

import "sync"

// memoryShares divide the memory in which frames may wait: evenly among the participants
// who have frames waiting, and each one's share among their tracks. So a participant with
// many tracks takes nothing from others. They are safe for concurrent use; room and track
// are set before.
type memoryShares struct {
	room, track int // bytes of all, and of one track at most

	mu     sync.Mutex
	tracks map[string]int // of which frames wait, by participant
}

// enter notes that frames of one more track of a participant wait, leave that those of
// one wait no longer.
func (w *memoryShares) enter(participant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tracks == nil {
		w.tracks = make(map[string]int)
	}
	w.tracks[participant]++
}

func (w *memoryShares) leave(participant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tracks[participant]--; w.tracks[participant] == 0 {
		delete(w.tracks, participant)
	}
}

// share is how many bytes may wait on one of the participant's tracks, which has
// entered.
func (w *memoryShares) share(participant string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(w.track, w.room/len(w.tracks)/w.tracks[participant])
}
