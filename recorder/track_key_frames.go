package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// requestInterval is the least time between two requests for a key frame.
	requestInterval = time.Second
	// boundaryShare is the part of a picture's bytes that key frames at the boundaries
	// of segments may take. One is asked for if the last key frame was at most this part
	// of what came since.
	boundaryShare = 20
)

// keyFrames decide whether a picture's next key frame must come before other frames are
// kept, and when one is asked for. A sound needs none, and has the zero value.
type keyFrames struct {
	request func()        // asks the sender; nil for a sound
	every   time.Duration // see Config.KeyFrames

	needed      bool          // nothing is kept before the next key frame
	last        time.Duration // time of the last key frame
	lastBytes   int           // size of the last key frame
	bytesSince  int           // size of the last key frame and all frames since
	lastRequest time.Time
}

// need makes sure that nothing is kept before the next key frame, and asks for it.
func (k *keyFrames) need() {
	if k.request != nil {
		k.needed = true
		k.ask()
	}
}

// ask asks for a key frame, unless that was done within the last second. It reports
// whether it did. For a sound it does nothing, and that is enough.
func (k *keyFrames) ask() (done bool) {
	if k.request == nil {
		return true
	}
	now := time.Now()
	if now.Sub(k.lastRequest) < requestInterval {
		return false
	}
	k.lastRequest = now
	k.request()
	return true
}

// askAgain asks for a key frame although one may have been asked for in the last second:
// that did not open, and others do now.
func (k *keyFrames) askAgain() {
	if k.request != nil && time.Since(k.lastRequest) >= requestInterval/5 {
		k.lastRequest = time.Time{}
		k.ask()
	}
}

// segmentEnds asks for a key frame when a segment is about to end, if the picture can
// afford one, or if one would be asked for soon after in any case.
func (k *keyFrames) segmentEnds(at time.Duration) {
	if k.every <= 0 || k.request == nil {
		return
	}
	if k.lastBytes*boundaryShare <= k.bytesSince || at-k.last >= k.every-2*boundaryLead {
		k.ask()
	}
}

// kept notes a frame that is kept. It asks for a key frame if none came for too long.
func (k *keyFrames) kept(f *media.Frame) {
	if k.request == nil {
		return
	}
	k.needed = false
	if f.Key {
		k.last, k.lastBytes, k.bytesSince = f.Time, len(f.Data), 0
	} else if k.every > 0 && f.Time-k.last >= k.every {
		k.ask()
	}
	k.bytesSince += len(f.Data)
}
