package recorder

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// requestInterval is how long after asking for a key frame the next may be asked
	// for.
	requestInterval = time.Second
	// boundaryShare is the part of a picture's bytes that key frames at the
	// boundaries of segments may take: one is asked for if the last one was no more
	// than that of what came since.
	boundaryShare = 20
)

// keyFrames are a picture's: which has to come before others are kept, and when one is
// asked for. A sound needs none; of one it is the zero value.
type keyFrames struct {
	request func()        // asks the sender; nil for a sound
	every   time.Duration // see Config.KeyFrames

	needed      bool          // nothing is kept before the next one
	last        time.Duration // when the last one was
	lastBytes   int           // its size,
	bytesSince  int           // and that of it and all that came since
	lastRequest time.Time
}

// need lets nothing be kept before the next key frame, and asks for it.
func (k *keyFrames) need() {
	if k.request != nil {
		k.needed = true
		k.ask()
	}
}

// ask asks for a key frame, unless that was done within the last second, and reports
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

// segmentEnds asks for a key frame where a segment is about to end, if the picture can
// afford it, or would be asked for one soon after.
func (k *keyFrames) segmentEnds(at time.Duration) {
	if k.every <= 0 || k.request == nil {
		return
	}
	if k.lastBytes*boundaryShare <= k.bytesSince || at-k.last >= k.every-2*boundaryLead {
		k.ask()
	}
}

// kept notes a frame that is kept, and asks for a key frame where none came for too
// long.
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
