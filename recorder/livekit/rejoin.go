package livekit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// ErrReplaced: another member joined with the recorder's identity, so the
	// server removed the recorder. The recorder does not join again.
	ErrReplaced = errors.New("another member took the recorder's identity")
	// ErrRemoved: a member with the right to do so, or the room's service,
	// removed the recorder.
	ErrRemoved = errors.New("the recorder was removed from the room")
	// ErrHid: the server hid the recorder from the members while it recorded.
	ErrHid = errors.New("the server hid the recorder from the room")
	// ErrGagged: the server no longer lets the recorder send data to the room.
	ErrGagged = errors.New("the server does not let the recorder send data any more")
	// ErrMoved: the recorder was moved to another room. It does not record that
	// one.
	ErrMoved = errors.New("the recorder was moved to another room")
	// ErrLost: the recorder lost the room and could not come back in time.
	ErrLost = errors.New("the room was lost")
)

const (
	defaultRejoin = 15 * time.Minute
	firstWait     = 500 * time.Millisecond // between the first two attempts, doubled up to lastWait
	lastWait      = 15 * time.Second
	reopenWait    = 2 * time.Second // the longest wait if the server closed the room: the next member makes it anew
	reopenTime    = 5 * time.Second // an empty room may be absent this long before that is reported
	// How long a server may still let the recorder join the room that it is
	// closing, which nobody else can join any more.
	closingTime = 10 * time.Second
	// How long a connection of ours that was given up may still be made. The
	// server reports it as another recorder; within this time it does not count
	// as one.
	formerTime = time.Minute
)

// stay joins again whenever the room is lost, until the room is over.
func (r *Room) stay(ctx context.Context, s *session) {
	for {
		var why lkproto.DisconnectReason
		select {
		case why = <-s.lost:
		case err := <-s.fatal:
			s.finish()
			r.end(err)
			return
		case <-ctx.Done():
			s.finish()
			return
		}
		if err := r.final(why); err != nil {
			s.finish()
			r.end(err)
			return
		}
		since := s.since()
		closed := why == lkproto.DisconnectReason_ROOM_CLOSED
		if closed {
			r.log.Info("the server closed the empty room")
			r.allLeft(s)
		} else {
			r.log.Warn("the room was lost", "why", why.String())
			r.emit(recorder.RoomEvent{At: since, Type: media.EventLost})
		}
		s.finish()
		r.former = formerSession{s, time.Now()}
		r.vacant.Store(closed)
		next, err := r.rejoin(ctx, s, since, closed)
		r.vacant.Store(false)
		if err != nil {
			r.end(err)
			return
		}
		if closed && time.Since(since) > reopenTime {
			// Members who joined meanwhile were not seen.
			r.emit(recorder.RoomEvent{At: since, Type: media.EventLost})
			closed = false
		}
		r.comeBack(s, next, since, !closed)
		s = next
	}
}

// A formerSession is the session before the current one.
type formerSession struct {
	*session
	left time.Time
}

// final returns the error with which the room is over. Nil means that the
// recorder should join again.
func (r *Room) final(why lkproto.DisconnectReason) error {
	switch why {
	case lkproto.DisconnectReason_ROOM_DELETED:
		return fmt.Errorf("%w: it was deleted", recorder.ErrEnded)
	case lkproto.DisconnectReason_ROOM_CLOSED:
		if _, attended := r.roster.People(); r.c.Reopen != nil && r.c.Reopen(attended) {
			return nil
		}
		return fmt.Errorf("%w: all others have left", recorder.ErrEnded)
	case lkproto.DisconnectReason_PARTICIPANT_REMOVED:
		return fmt.Errorf("%w: %w", recorder.ErrEnded, ErrRemoved)
	case lkproto.DisconnectReason_DUPLICATE_IDENTITY:
		if g := r.former; g.session != nil && time.Since(g.left) < formerTime && !g.isOver() {
			r.former = formerSession{} // once
			return nil
		}
		return fmt.Errorf("%w: %w", recorder.ErrEnded, ErrReplaced)
	}
	if r.c.Rejoin == recorder.Never {
		return fmt.Errorf("%w: %w", recorder.ErrEnded, ErrLost)
	}
	return nil
}

// errClosing: the room that was joined again is the one that its server is
// closing.
var errClosing = errors.New("the server is still closing the room")

// isClosing reports whether the room sid is the one that its server closed d ago.
// Others who join get a new room, and the recorder would not see them. LiveKit
// v1.11 lets members join until it has removed the room from its own store, some
// 20 ms after it has removed all members.
func isClosing(sid, closed string, d time.Duration) bool {
	return sid != "" && sid == closed && d < closingTime
}

// rejoin joins until it succeeds, ctx ends, or the recorder has been absent from
// its session s for too long. If the server closed the room, the room may be
// absent for as long as the server reports that there is none.
func (r *Room) rejoin(ctx context.Context, s *session, since time.Time, closed bool) (*session, error) {
	lost := since
	bound, longest := cmp.Or(r.c.Rejoin, defaultRejoin), lastWait
	if closed {
		bound, longest = max(bound, joinTimeout), reopenWait
	}
	for wait := firstWait; ; wait = min(2*wait, longest) {
		next, err := r.attemptUntil(ctx, since.Add(bound))
		if err == nil && closed && isClosing(r.sidOf(next), r.sidOf(s), time.Since(lost)) {
			next.finish()
			err = errClosing
		}
		if err == nil {
			return next, nil
		}
		if errors.Is(err, ErrOccupied) {
			return nil, fmt.Errorf("%w: %w while the room was lost: %w", recorder.ErrEnded, ErrReplaced, err)
		}
		if closed && errors.Is(err, ErrNoRoom) {
			since = time.Now()
		}
		r.vacant.Store(closed && (errors.Is(err, ErrNoRoom) || errors.Is(err, errClosing)))
		for _, never := range []error{ErrHidden, ErrNoData, ErrNoSubscribe, errNoFreshToken} {
			if errors.Is(err, never) {
				return nil, fmt.Errorf("%w: %w: %w", recorder.ErrEnded, ErrLost, err)
			}
		}
		r.log.Info("the room cannot be joined again yet", "err", err)
		// Jitter: without it all recorders of a server would come back at once.
		if pause(ctx, min(wait/2+rand.N(wait/2), time.Until(since.Add(bound)))) != nil || time.Since(since) >= bound {
			return nil, fmt.Errorf("%w: %w, and not found again: %w", recorder.ErrEnded, ErrLost, err)
		}
	}
}

// sidOf returns the SID of the room that s joined. "" means that the server has
// not sent it.
func (r *Room) sidOf(s *session) string {
	r.feed.Lock()
	defer r.feed.Unlock()
	return s.list.sid
}

// attemptUntil makes one attempt that ends at the given time.
func (r *Room) attemptUntil(ctx context.Context, end time.Time) (*session, error) {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	return r.attempt(ctx)
}

// attempt joins again, with the freshest token.
func (r *Room) attempt(ctx context.Context) (*session, error) {
	var token string
	var err error
	if r.c.Token != "" && r.c.TokenFunc == nil {
		r.mu.Lock()
		token = longer(r.c.Token, r.refreshed)
		r.mu.Unlock()
		if _, err := r.c.checkToken(token, r.name); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoFreshToken, err)
		}
	} else if token, err = fresh(ctx, r.config()); err != nil {
		return nil, err
	}
	if _, err := r.c.checkToken(token, r.name); err != nil {
		return nil, err
	}
	if err := preflight(ctx, r.c.URL, token); err != nil {
		return nil, err
	}
	if r.looks() {
		if err := occupied(ctx, r.config(), r.name); err != nil {
			return nil, err
		}
	}
	return r.connect(ctx, token)
}

// refresh stores a token from the server, if it is for this room, does not hide
// the recorder, and is still valid.
func (r *Room) refresh(token string) {
	if _, err := r.c.checkToken(token, r.name); err != nil {
		r.log.Warn("a token that the server refreshed does not serve to join again with", "err", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refreshed = token
}

// comeBack continues in the session s after old was lost. told reports that the loss
// was reported or did not matter.
func (r *Room) comeBack(old, s *session, since time.Time, told bool) {
	now := time.Now()
	if told {
		r.emit(recorder.RoomEvent{At: now, Type: media.EventReconnect, Since: since, Reason: media.ReconnectRejoin})
	}
	r.log.Info("the room was joined again", "away", now.Sub(since).Round(time.Millisecond))
	r.enter(old, s, now.Sub(since))
}
