package recorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// ErrNotRecording: there is no recording now.
var ErrNotRecording = errors.New("not recording")

// A StateRoom is a Room that can show its members whether a recording goes on or is
// paused.
type StateRoom interface {
	Room
	// SetState shows the state, "recording" or "paused", until the next call. It does
	// not wait for the members.
	SetState(state string)
}

const keepNothing = math.MaxInt64

// A cutoff is the recording time from which on frames are kept. keepNothing means that
// none are kept, and the zero value that all are. It is safe for concurrent use.
type cutoff struct {
	from atomic.Int64 // in nanoseconds
}

// keeps reports whether a frame with this recording time is kept. A frame that was
// captured while nothing was kept is not, however late it comes.
func (g *cutoff) keeps(at time.Duration) bool { return int64(at) >= g.from.Load() }

func (g *cutoff) keepsNothing() bool { return g.from.Load() == keepNothing }

// Pause pauses the recording: nothing that comes between the call and Resume is kept. The
// timeline says so, with the reason, and every track has a hole media.HolePaused, which
// does not make the recording incomplete. The timeline still has who comes and goes, but
// not what they write. The error is ErrNotRecording if there is no recording. Any other
// error means that the room could not be told; the recording is paused all the same. If
// it is paused already, Pause does nothing.
func (r *Recorder) Pause(ctx context.Context, reason string) error {
	return r.remotely(func(n *run) error {
		if n.pause.keepsNothing() {
			return nil
		}
		n.pause.from.Store(keepNothing)
		n.emit(media.Event{Type: media.EventPause, Reason: reason})
		n.log.Info("the recording is paused", "why", reason)
		return n.tellRoom(ctx, "paused", n.config.Notices.Paused)
	})
}

// Resume continues a paused recording. It first tells the room, unless the disk is full.
// If that fails, the recording stays paused. Nothing that was captured before the call is
// kept, however late it comes. The error is ErrNotRecording if there is no recording.
func (r *Recorder) Resume(ctx context.Context) error {
	return r.remotely(func(n *run) error {
		if !n.pause.keepsNothing() {
			return nil
		}
		if n.board.diskFull() {
			n.log.Warn("the pause is over, but the disk is full: the recording goes on when there is room")
		} else if err := n.tellRoom(ctx, "recording", n.config.Notices.Resumed); err != nil {
			// Members who come later must not be told that it goes on.
			again, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
			defer cancel()
			return errors.Join(err, n.tellRoom(again, "paused", n.config.Notices.Paused))
		}
		now := max(1, n.clock.now())
		n.emit(media.Event{Time: now, Type: media.EventResume})
		n.pause.from.Store(int64(now))
		n.tracks.post(keyFrameWanted | newReaders)
		n.log.Info("the recording goes on")
		return nil
	})
}

// tellRoom shows the state and announces text, "" for nothing.
func (r *run) tellRoom(ctx context.Context, state, text string) error {
	if s, ok := r.room.(StateRoom); ok {
		s.SetState(state)
	}
	if text == "" {
		return nil
	}
	if err := r.room.Announce(ctx, text); err != nil {
		return fmt.Errorf("telling the room: %w", err)
	}
	return nil
}

// keptWhilePaused reports whether an event of the room belongs into the timeline while the
// recording is paused: who and what is there, not what they say.
func keptWhilePaused(t media.EventType) bool {
	switch t {
	case media.EventJoin, media.EventLeave, media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute,
		EventHeld, EventSent, media.EventLost, media.EventReconnect, media.EventServer, media.EventHole, media.EventLeftOut, media.EventKeys, media.EventConsent, media.EventVerified, media.EventName,
		media.EventDropped:
		return true
	}
	return false
}
