package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// How a membership is kept: the homeserver ends it leaveDelay after the last
// restart, where it can (MSC4140). Where it cannot, it ends by itself.
const (
	leaveDelay   = 8 * time.Second
	restartEvery = 4 * time.Second
	withDelay    = 4 * time.Hour
	withoutDelay = 10 * time.Minute
)

// A Presence is this device's membership in the call of a room, by a state event.
type Presence struct {
	a       *Account
	said    announcement
	delayed id.DelayID // "" where the homeserver has no delayed events
}

// Watched reports whether the homeserver ends the membership if this process dies.
func (p *Presence) Watched() bool { return p.delayed != "" }

// Join makes this device a member of a room's call, whose media goes by a token
// service that another member names. Before, it takes back what an earlier life
// left: leaves that are still delayed, and memberships of devices that the account
// no longer has. data is what others may show of the recorder, nil for nothing.
func (a *Account) Join(ctx context.Context, room id.RoomID, service string, data map[string]any) (*Presence, error) {
	versions, err := a.client.Versions(ctx)
	if err != nil {
		return nil, fmt.Errorf("could not ask what the homeserver can: %w", err)
	}
	// One that has no delayed events would send them at once.
	watched := versions.UnstableFeatures["org.matrix.msc4140"]
	p := &Presence{a: a, said: announcement{user: a.state.User, device: a.state.Device, room: room, service: service, expires: withoutDelay, data: data}}
	if watched {
		p.said.expires = withDelay
		if err := a.cancelDelayed(ctx, room); err != nil {
			return nil, err
		}
	}
	if err := a.clearStale(ctx, room); err != nil {
		return nil, err
	}
	return p, p.join(ctx, watched)
}

// join sends the delayed leave, then the membership: never a membership alone.
func (p *Presence) join(ctx context.Context, watched bool) error {
	if watched {
		resp, err := p.a.client.SendStateEvent(ctx, p.said.room, stateMember, p.said.stateKey(), struct{}{}, mautrix.ReqSendEvent{UnstableDelay: leaveDelay})
		if err != nil {
			return fmt.Errorf("could not have the leave delayed: %w", err)
		}
		p.delayed = resp.UnstableDelayID
	}
	if _, err := p.a.client.SendStateEvent(ctx, p.said.room, stateMember, p.said.stateKey(), p.said.stateContent()); err != nil {
		return fmt.Errorf("could not become a member of the call: %w", err)
	}
	return nil
}

// Keep keeps the membership until the context ends, whose error it returns. One that
// the homeserver ended is begun anew; what fails otherwise is tried again.
func (p *Presence) Keep(ctx context.Context) error {
	every := restartEvery
	if !p.Watched() {
		every = withoutDelay / 2
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	begun := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if p.Watched() {
			_, err = p.a.client.UpdateDelayedEvent(ctx, &mautrix.ReqUpdateDelayedEvent{DelayID: p.delayed, Action: event.DelayActionRestart})
			if errors.Is(err, mautrix.MNotFound) { // it was sent
				err = p.join(ctx, true)
			}
		} else {
			p.said.since, p.said.expires = begun, time.Since(begun)+withoutDelay
			err = p.join(ctx, false)
		}
		if err != nil && ctx.Err() == nil {
			p.a.log.Warn("could not keep the membership", "err", loggedOut(err))
		}
	}
}

// Leave ends the membership, by the delayed event if there is one: it must not come
// later, into another life. Keep must have ended.
func (p *Presence) Leave(ctx context.Context) error {
	if p.Watched() {
		_, err := p.a.client.UpdateDelayedEvent(ctx, &mautrix.ReqUpdateDelayedEvent{DelayID: p.delayed, Action: event.DelayActionSend})
		if err == nil {
			return nil
		}
	}
	if _, err := p.a.client.SendStateEvent(ctx, p.said.room, stateMember, p.said.stateKey(), struct{}{}); err != nil {
		return fmt.Errorf("could not leave the call: %w", err)
	}
	return nil
}

// cancelDelayed cancels this user's delayed memberships in a room.
func (a *Account) cancelDelayed(ctx context.Context, room id.RoomID) error {
	list, err := a.client.DelayedEvents(ctx, &mautrix.ReqDelayedEvents{})
	if err != nil || list == nil {
		return err
	}
	own := announcement{user: a.state.User, device: a.state.Device}.stateKey()
	for _, d := range list.Scheduled {
		if d == nil || d.RoomID != room || d.Type.Type != stateMember.Type || d.StateKey == nil || *d.StateKey != own {
			continue
		}
		_, err := a.client.UpdateDelayedEvent(ctx, &mautrix.ReqUpdateDelayedEvent{DelayID: d.DelayID, Action: event.DelayActionCancel})
		if err != nil && !errors.Is(err, mautrix.MNotFound) {
			return fmt.Errorf("could not cancel a delayed leave: %w", err)
		}
	}
	return nil
}

// clearStale ends memberships of this user whose device is this one, or is none of
// the user's any more.
func (a *Account) clearStale(ctx context.Context, room id.RoomID) error {
	state, err := a.client.State(ctx, room)
	if err != nil {
		return fmt.Errorf("could not read the room: %w", err)
	}
	if err := a.Follow(ctx, a.state.User); err != nil {
		return err
	}
	for key, e := range state[stateMember] {
		if e == nil || e.Sender != a.state.User {
			continue
		}
		m, left, err := readMember(e)
		if err != nil || left {
			continue
		}
		a.mu.Lock()
		known := m.Device != a.state.Device && a.state.device(Target{m.User, m.Device}) != nil
		a.mu.Unlock()
		if known {
			continue
		}
		if _, err := a.client.SendStateEvent(ctx, room, stateMember, key, struct{}{}); err != nil {
			return fmt.Errorf("could not take back an old membership: %w", err)
		}
	}
	return nil
}
