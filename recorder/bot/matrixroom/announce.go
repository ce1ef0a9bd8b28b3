package matrixroom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
)

// maxNotices is how many of our notices can be answered by a reaction.
const maxNotices = 64

// Announce implements recorder.Room: by an encrypted notice in the room, and where LiveKit's
// servers allow it as a message there. With the first one the recorder becomes visible: it
// writes, is called what Config.Name says, becomes a member of the call, and only then joins
// LiveKit. It returns when everybody had time to see that.
func (r *room) Announce(ctx context.Context, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	first := r.announced == ""
	if first {
		r.announced = text
	} else {
		r.standing = text
	}
	r.mu.Unlock()
	if !first {
		return r.tell(ctx, text, func(at sfu) error { return at.Announce(ctx, text) })
	}
	if err := r.notice(ctx, text); err != nil {
		return err
	}
	naming, cancel := context.WithTimeout(ctx, nameTime)
	r.name.set(naming, r, r.c.Name)
	cancel()
	if err := r.enter(ctx); err != nil {
		return err
	}
	seen := time.NewTimer(livekit.NoticePeriod)
	defer seen.Stop()
	for _, m := range r.roster.Members() {
		r.roster.Tell(true, m.Identity)
	}
	r.reconcile(time.Now())
	if err := r.awaitServer(ctx); err != nil {
		return err
	}
	select {
	case <-seen.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return r.cause
	}
	r.mu.Lock()
	r.receiving = true
	r.mu.Unlock()
	servers, _ := r.open()
	for _, s := range servers {
		if err := s.receive(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enter makes the recorder a member of the call, once somebody else is.
func (r *room) enter(ctx context.Context) error {
	for {
		entering, cancel := context.WithTimeout(ctx, enterTime)
		err := r.call.Enter(entering)
		cancel()
		if errors.Is(err, matrix.ErrNobody) { // they left while they were told
			err = r.await(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		break
	}
	if !r.call.Watched() {
		r.c.Say("the homeserver has no delayed events (MSC4140): if this recorder dies, it stays listed in the call for up to ten minutes")
	}
	own, identity, _ := r.call.Own()
	if own.Sticky {
		if why := r.powerless(": "); why != "" {
			r.c.Say("clients that read no sticky events do not list the recorder in the call" + why)
		}
	}
	r.mu.Lock()
	r.own[r.identity], r.own[identity] = true, true
	r.mu.Unlock()
	if r.rings == nil {
		return nil
	}
	index, key := r.call.Key()
	defer clear(key)
	if err := r.rings.Keyring(r.identity).SetRaw(index, key, frame.HKDF); err != nil {
		return fmt.Errorf("the recorder's own key: %w", err)
	}
	return nil
}

// Tell implements bot.Room.
func (r *room) Tell(ctx context.Context, text string) error {
	return r.tell(ctx, text, func(at sfu) error { return at.Tell(ctx, text) })
}

// Change implements bot.Room.
func (r *room) Change(ctx context.Context, news, standing string) error {
	r.mu.Lock()
	r.standing = standing
	r.mu.Unlock()
	return r.tell(ctx, news, func(at sfu) error { return at.Change(ctx, news, standing) })
}

// tell writes a notice, and has each LiveKit room tell it, too. The notice counts.
func (r *room) tell(ctx context.Context, text string, by func(sfu) error) error {
	var telling sync.WaitGroup
	servers, _ := r.open()
	for _, s := range servers {
		if at := s.room(); s.receives() {
			telling.Go(func() {
				if err := by(at); err != nil && ctx.Err() == nil {
					r.log.Debug("not told at a LiveKit server", "err", err)
				}
			})
		}
	}
	err := r.notice(ctx, text)
	telling.Wait()
	return err
}

// remindAfter is how long others may come, who are told with somebody.
const remindAfter = 2 * time.Second

// remind tells again that the call is recorded, if somebody came whose device cannot read
// what was written before: they joined the room since.
func (r *room) remind(m matrix.Caller) {
	lacks := func() bool { return m.Standing >= matrix.Signed && !r.call.heard(m) }
	if !lacks() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.closed:
		return
	default:
	}
	if r.announced == "" || r.reminding {
		return
	}
	r.reminding = true
	r.running.Go(func() {
		select {
		case <-time.After(remindAfter):
		case <-r.run.Done():
			return
		}
		r.mu.Lock()
		r.reminding = false
		texts := []string{r.announced, r.standing}
		r.mu.Unlock()
		if !lacks() {
			return
		}
		ctx, cancel := context.WithTimeout(r.run, enterTime)
		defer cancel()
		for _, text := range texts {
			if text == "" {
				continue
			}
			if err := r.notice(ctx, text); err != nil {
				if ctx.Err() == nil {
					r.log.Warn("who came could not be told", "err", err)
				}
				return
			}
		}
	})
}

// notice writes an encrypted notice into the room.
func (r *room) notice(ctx context.Context, text string) error {
	id, err := r.call.Notice(ctx, text)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.notices = append(r.notices, id); len(r.notices) > maxNotices {
		r.notices = r.notices[1:]
	}
	return nil
}

// Send implements bot.Room. To members at a server that lets the recorder send no data nothing
// is sent: stock clients of Matrix calls read none.
func (r *room) Send(ctx context.Context, topic string, to []string, data []byte) error {
	_, connected := r.open()
	if len(connected) == 0 {
		return recorder.ErrAway
	}
	var errs []error
	for _, s := range connected {
		at := s.room()
		var there []string
		for _, identity := range to {
			for _, alias := range r.aliases(identity) {
				if _, here := at.Roster().Here(alias); here {
					there = append(there, alias)
				}
			}
		}
		if len(to) > 0 && len(there) == 0 {
			continue
		}
		if err := at.Send(ctx, topic, there, data); err != nil && !errors.Is(err, livekit.ErrNoData) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// SetState implements recorder.StateRoom.
func (r *room) SetState(state string) {
	r.mu.Lock()
	r.state = state
	r.mu.Unlock()
	servers, _ := r.open()
	for _, s := range servers {
		s.room().SetState(state)
	}
	if state == "paused" {
		r.name.show(strings.TrimSuffix(r.c.Name, " - recording") + " - paused")
	} else {
		r.name.show(r.c.Name)
	}
}

// SetAttributes implements bot.Room.
func (r *room) SetAttributes(attributes map[string]string) {
	r.mu.Lock()
	maps.Copy(r.shown, attributes)
	r.mu.Unlock()
	servers, _ := r.open()
	for _, s := range servers {
		s.room().SetAttributes(attributes)
	}
}
