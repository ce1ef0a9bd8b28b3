package recorder

import "sync"

// memoryShares divide how many bytes may wait in memory among the participants whose
// frames wait, and each one's share among their tracks: who publishes many tracks of
// which much waits takes nothing from others. They are safe for concurrent use; room
// and track are set before.
type memoryShares struct {
	room, track int // bytes of all, and of one track at most

	mu     sync.Mutex
	tracks map[string]int // of which frames wait, by participant
}

// enter notes that frames of one more track of a participant wait, leave that
// they do not any more.
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
