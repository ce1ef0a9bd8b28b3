package recorder

import "sync"

// The lateShares divide what frames that wait for their keys may take up among the
// participants whose frames wait, and each one's share among their tracks:
// who publishes many tracks that do not open takes nothing from others. It is safe
// for concurrent use; the zero value is empty.
type lateShares struct {
	mu     sync.Mutex
	tracks map[string]int // that wait, by participant
}

// enter notes that frames of one more track of a participant wait, leave that
// they do not any more.
func (w *lateShares) enter(participant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tracks == nil {
		w.tracks = make(map[string]int)
	}
	w.tracks[participant]++
}

func (w *lateShares) leave(participant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tracks[participant]--; w.tracks[participant] == 0 {
		delete(w.tracks, participant)
	}
}

// share is how many bytes may wait on one of the participant's tracks, which has
// entered.
func (w *lateShares) share(participant string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(maxWaitingBytes, maxLateBytes/len(w.tracks)/w.tracks[participant])
}
