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

// ErrNotRecording: there is no recording that could be paused or go on.
var ErrNotRecording = errors.New("not recording")

// A StateRoom is a Room that can show its members, for as long as it lasts, that
// a recording goes on or is paused.
type StateRoom interface {
	Room
	// SetState takes "recording" or "paused". It does not wait for the members.
	SetState(state string)
}

const keepNothing = math.MaxInt64

// A cutoff is the recording time from which on frames are kept, or keepNothing. The
// zero value keeps all. It is safe for concurrent use.
type cutoff struct {
	from atomic.Int64 // in nanoseconds
}

// keeps reports whether something of this recording time is to be kept. What
// was sent while nothing was kept is not, however late it comes.
func (g *cutoff) keeps(at time.Duration) bool { return int64(at) >= g.from.Load() }

func (g *cutoff) keepsNothing() bool { return g.from.Load() == keepNothing }

// Pause stops to keep what the room sends: when it returns, nothing that came
// after the call was kept, nor will be before Resume. The timeline says so, with
// reason, and every track's hole is declared as media.HolePaused, which does not
// make the recording incomplete. Who comes and goes is still noted, what they
// write is not. An error that is not ErrNotRecording means that the room could
// not be told; the recording is paused nevertheless. Pausing what is paused does
// nothing.
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

// Resume goes on after Pause. The room is told first, unless a full disk keeps
// the recording from going on: where that fails, the recording stays paused. What
// was sent before Resume was called is not kept, however late it comes.
func (r *Recorder) Resume(ctx context.Context) error {
	return r.remotely(func(n *run) error {
		if !n.pause.keepsNothing() {
			return nil
		}
		if n.board.diskFull() {
			n.log.Warn("the pause is over, but the disk is full: the recording goes on when there is room")
		} else if err := n.tellRoom(ctx, "recording", n.config.Notices.Resumed); err != nil {
			// Whoever comes later is not to hear that it goes on.
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
		EventHeld, EventSent, media.EventLost, media.EventReconnect, media.EventHole, media.EventLeftOut, media.EventKeys, media.EventConsent, media.EventVerified, media.EventName,
		media.EventDropped:
		return true
	}
	return false
}
