package recorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
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

// A switchboard pauses a recording and lets it go on.
type switchboard struct {
	mu sync.Mutex
	p  *producers // of the recording that runs; nil if none does
}

func (b *switchboard) set(p *producers) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p = p
}

// Pause stops to keep what the room sends: when it returns, nothing that came
// after the call was kept, nor will be before Resume. The timeline says so, with
// reason, and every track's hole is declared as media.GapPaused, which does not
// make the recording incomplete. Who comes and goes is still noted, what they
// write is not. An error that is not ErrNotRecording means that the room could
// not be told; the recording is paused nevertheless. Pausing what is paused does
// nothing.
func (r *Recorder) Pause(ctx context.Context, reason string) error {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	p := r.board.p
	if p == nil {
		return ErrNotRecording
	}
	if p.pause.keepsNothing() {
		return nil
	}
	p.pause.from.Store(keepNothing)
	r.paused.Store(true)
	p.emit(media.Event{Type: media.EventPause, Reason: reason})
	r.c.Log.Info("the recording is paused", "why", reason)
	return p.tellRoom(ctx, "paused", r.c.Notices.Paused)
}

// Resume goes on after Pause. The room is told first, unless a full disk keeps
// the recording from going on: where that fails, the recording stays paused. What
// was sent before Resume was called is not kept, however late it comes.
func (r *Recorder) Resume(ctx context.Context) error {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	p := r.board.p
	if p == nil {
		return ErrNotRecording
	}
	if !p.pause.keepsNothing() {
		return nil
	}
	if r.diskFull() {
		r.c.Log.Warn("the pause is over, but the disk is full: the recording goes on when there is room")
	} else if err := p.tellRoom(ctx, "recording", r.c.Notices.Resumed); err != nil {
		// Whoever comes later is not to hear that it goes on.
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
		defer cancel()
		return errors.Join(err, p.tellRoom(again, "paused", r.c.Notices.Paused))
	}
	now := max(1, p.watch.now())
	p.emit(media.Event{Time: now, Type: media.EventResume})
	p.pause.from.Store(int64(now))
	r.paused.Store(false)
	p.askKeys()
	r.c.Log.Info("the recording goes on")
	return nil
}

// diskFull reports whether nothing can be kept now, asked to or not.
func (r *Recorder) diskFull() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status.State == StateDiskFull
}

// tellRoom shows the state and announces text, "" for nothing.
func (p *producers) tellRoom(ctx context.Context, state, text string) error {
	if s, ok := p.room.(StateRoom); ok {
		s.SetState(state)
	}
	if text == "" {
		return nil
	}
	if err := p.room.Announce(ctx, text); err != nil {
		return fmt.Errorf("telling the room: %w", err)
	}
	return nil
}

// keptWhilePaused reports whether an event of the room belongs into the timeline while the
// recording is paused: who and what is there, not what they say.
func keptWhilePaused(t media.EventType) bool {
	switch t {
	case media.EventJoin, media.EventLeave, media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute,
		EventHeld, EventSent, media.EventLost, media.EventReconnect, media.EventGap, media.EventLeftOut, media.EventKeys, media.EventConsent, media.EventVerified, media.EventName,
		media.EventDropped:
		return true
	}
	return false
}
