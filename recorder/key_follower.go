package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
)

// A KeyFollower is a KeyProvider that is told how frames fare, so that it can ask for a
// key that is missing, and prepare for the next. Its methods must return quickly, and any
// goroutine may call them.
type KeyFollower interface {
	KeyProvider

	// Opened tells that a frame of a participant opened under the key at an index. It is
	// told when the index changes.
	Opened(participant string, index int)
	// Missing tells that a frame of a participant does not open, and names a key index.
	// It is told again and again while that lasts.
	Missing(participant string, index int)
	// Before reports whether a frame of a participant that arrived at a time may be from
	// before they gave the recorder a key, so that they did not want it to open. It is
	// asked about frames that no key opened.
	Before(participant string, arrival time.Time) bool
}

// holeBefore is the reason of a hole of such frames. It is declared as HoleConsent.
const holeBefore = "before-key"

// missingEvery is how often it is told that a key is missing.
const missingEvery = 100 * time.Millisecond

// keyReports tell a KeyFollower of one track. The zero value tells nobody.
type keyReports struct {
	to          KeyFollower // nil: nobody
	participant string

	opened, missing int // the last index, and one more; 0: none
	at              time.Time
}

// newKeyReports returns reports to a provider that wants them.
func newKeyReports(keys KeyProvider, participant string) keyReports {
	to, _ := keys.(KeyFollower)
	return keyReports{to: to, participant: participant}
}

// reason returns the reason of the hole of a frame that did not open.
func (k *keyReports) reason(outcome Outcome, arrival time.Time) string {
	if k.to != nil && outcome == NoKey && k.to.Before(k.participant, arrival) {
		return holeBefore
	}
	return string(outcome)
}

// report reports what became of opening a frame.
func (k *keyReports) report(sealed []byte, outcome Outcome, arrival time.Time) {
	if k.to == nil {
		return
	}
	index, ok := frame.KeyIndex(sealed)
	if !ok {
		return
	}
	switch outcome {
	case Kept, Replayed:
		if k.opened != index+1 {
			k.opened = index + 1
			k.to.Opened(k.participant, index)
		}
	case NoKey, Auth:
		if k.missing != index+1 || arrival.Sub(k.at) >= missingEvery {
			k.missing, k.at = index+1, arrival
			k.to.Missing(k.participant, index)
		}
	}
}
