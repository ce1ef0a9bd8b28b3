package recorder

import "sync/atomic"

// A message is what a track is told by others.
type message uint32

const (
	mediaDropped   message = 1 << iota // what the track handed on was not kept: a picture begins anew
	keyFrameWanted                     // a key frame is wanted; what comes before it is kept
	newReaders                         // who reads from now on may not read what came before
	segmentEnding                      // a segment is about to end
)

// A trackInbox is all that others say to a track: who accepts, whether it is muted or
// held back and whether it may be kept, and who writes, its messages. It is safe for
// concurrent use; the track looks into it where it acts on it.
type trackInbox struct {
	messages   atomic.Uint32
	muted      muteLog
	heldBack   muteLog // since when the server does not send it
	permission permission
}

// post puts messages into the inbox.
func (in *trackInbox) post(m message) { in.messages.Or(uint32(m)) }

// has reports whether a message is there. take takes it as well.
func (in *trackInbox) has(m message) bool { return in.messages.Load()&uint32(m) != 0 }

func (in *trackInbox) take(m message) bool {
	return in.has(m) && in.messages.And(^uint32(m))&uint32(m) != 0
}
