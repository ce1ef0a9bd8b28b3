package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// keep keeps the membership until the context ends. One that the homeserver ended
// is begun anew; what fails otherwise is tried again.
func (c *Call) keep(ctx context.Context) {
	wait := c.t.restart
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.own.again:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
		c.own.step.Lock()
		err := c.keepUp(ctx, time.Now())
		wait = c.next(time.Now())
		c.own.step.Unlock()
		if err != nil && ctx.Err() == nil {
			c.a.log.Warn("could not keep the membership", "err", loggedOut(err), "again", wait)
		}
	}
}

// next returns how long nothing is due.
func (c *Call) next(now time.Time) time.Duration {
	p := &c.own
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := c.t.restart
	if p.delay > 0 {
		wait = min(wait, p.delay/2)
	}
	if p.entered && !p.renew.IsZero() {
		wait = min(wait, max(p.renew.Sub(now), c.t.tick))
	}
	if p.entered && p.lost {
		wait = min(wait, max(p.joined.Add(c.pause(p.losses)).Sub(now), 0))
	}
	return wait
}

// pause is how long to stay away after the membership was lost so many times:
// somebody may take it away as often as it is said.
func (c *Call) pause(losses int) time.Duration {
	return min(c.t.tick<<min(losses, 10), 30*time.Second)
}

// calm is how long a membership must last for its losses before not to count.
const calm = time.Minute

// keepUp does what is due. Called with step held.
func (c *Call) keepUp(ctx context.Context, now time.Time) error {
	p := &c.own
	p.mu.Lock()
	entered, lost, anew, delayed, renew := p.entered, p.lost, p.anew, p.delayed, !now.Before(p.renew)
	if lost && now.Sub(p.joined) < c.pause(p.losses) {
		lost = false // a moment later
	} else if lost {
		if p.losses++; now.Sub(p.joined) > calm {
			p.losses = 0
		}
	}
	p.anew = false
	p.mu.Unlock()
	if !entered {
		return nil
	}
	// A request that hangs must not eat the time of the next.
	ctx, cancel := context.WithTimeout(ctx, max(c.t.leaveDelay, 5*time.Second))
	defer cancel()
	if delayed != "" && !lost && !anew {
		err := c.a.updateDelayed(ctx, delayed, event.DelayActionRestart)
		switch {
		case errors.Is(err, mautrix.MNotFound): // it was sent
			p.mu.Lock()
			p.delayed, p.lost, lost = "", true, true
			p.mu.Unlock()
		case err != nil:
			return err
		}
	}
	switch {
	case lost || anew:
		err := c.join(ctx)
		p.mu.Lock()
		if err != nil {
			p.lost = true
		}
		if p.barred++; !refusedBy(err) {
			p.barred = 0
		}
		barred := p.barred >= maxBarred
		p.mu.Unlock()
		if barred {
			c.bar()
		}
		return err
	case renew:
		return c.extend(ctx, now)
	}
	return nil
}

// maxBarred is how often the homeserver may refuse a membership that was lost.
const maxBarred = 3

// bar ends the call for this device: somebody took its membership away, and it may not be a
// member again. It must not stay unseen.
func (c *Call) bar() {
	c.mu.Lock()
	if c.over == "" {
		c.over = "it was taken out of the call, and may not take part any more"
		c.emit(CallEvent{Kind: Removed, Reason: c.over})
	}
	c.mu.Unlock()
	c.nudge() // OnEvent may want to leave, which waits for what called this
}

// extend says the membership again, before it runs out, as the same one.
func (c *Call) extend(ctx context.Context, now time.Time) error {
	p := &c.own
	p.mu.Lock()
	if p.said.Since.IsZero() {
		p.said.Since = p.joined
	}
	p.said.Expires = now.Sub(p.joined) + c.lasts()
	p.mu.Unlock()
	return c.say(ctx)
}

// delayLeave has the homeserver send the leave when it has not heard of this device
// for a while. Called with step held.
func (c *Call) delayLeave(ctx context.Context) error {
	p := &c.own
	p.mu.Lock()
	said, stickily, delayed := p.said, p.stickily, p.delayed
	p.mu.Unlock()
	if delayed != "" {
		if err := c.a.updateDelayed(ctx, delayed, event.DelayActionRestart); err == nil || !errors.Is(err, mautrix.MNotFound) {
			return err
		}
	}
	p.mu.Lock()
	p.delayed = ""
	p.mu.Unlock()
	for range 2 {
		var d id.DelayID
		err := c.a.sendLeave(ctx, said, stickily, p.delay, &d)
		longest, ok := longestDelay(err)
		if ok && longest < p.delay {
			p.mu.Lock()
			p.delay = longest
			p.mu.Unlock()
			continue
		}
		p.mu.Lock()
		p.delayed = d
		p.mu.Unlock()
		return err
	}
	return fmt.Errorf("the homeserver takes no delay that it allows")
}

// longestDelay returns the longest delay that the homeserver allows, if an error
// says so.
func longestDelay(err error) (time.Duration, bool) {
	e, ok := errors.AsType[mautrix.HTTPError](err)
	if !ok || e.RespError == nil {
		return 0, false
	}
	code, _ := e.RespError.ExtraData["org.matrix.msc4140.errcode"].(string)
	ms, _ := e.RespError.ExtraData["org.matrix.msc4140.max_delay"].(float64)
	if ms == 0 {
		ms, _ = e.RespError.ExtraData["max_delay"].(float64)
	}
	if code != "M_MAX_DELAY_EXCEEDED" && e.RespError.ErrCode != "M_MAX_DELAY_EXCEEDED" || ms < 500 || ms > 1e12 {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// sendLeave ends a membership, after a delay if there is one, whose ID is put into
// d. A leave says nothing that is secret: as it may come when others have other
// keys, it is never encrypted.
func (a *Account) sendLeave(ctx context.Context, said rtc.Announcement, stickily bool, delay time.Duration, d *id.DelayID) error {
	extra := mautrix.ReqSendEvent{UnstableDelay: delay}
	var resp *mautrix.RespSendEvent
	var err error
	if stickily {
		extra.UnstableStickyDuration = time.Hour
		resp, err = a.client.SendMessageEvent(ctx, said.Room, rtc.StickyMember, said.StickyLeave(), extra)
	} else {
		resp, err = a.client.SendStateEvent(ctx, said.Room, rtc.StateMember, said.StateKey(), struct{}{}, extra)
	}
	if err != nil {
		return err
	}
	if d != nil {
		if *d = resp.UnstableDelayID; *d == "" {
			return errNoEvent
		}
	}
	return nil
}

func (a *Account) updateDelayed(ctx context.Context, d id.DelayID, action event.DelayAction) error {
	_, err := a.client.UpdateDelayedEvent(ctx, &mautrix.ReqUpdateDelayedEvent{DelayID: d, Action: action})
	return err
}

// clear takes back what an earlier life of this device left in the room: leaves
// that are still delayed, and memberships, also those of devices that the account
// no longer has.
func (c *Call) clear(ctx context.Context) error {
	a, room := c.a, c.c.Room
	if c.can.delayed {
		if err := a.cancelDelayed(ctx, room); err != nil {
			return err
		}
	}
	c.mu.Lock()
	var stale []string
	for e := range c.roster.All() {
		if e.User != a.state.User || e.Sticky || e.Left {
			continue
		}
		a.mu.Lock()
		known := e.Device != a.state.Device && a.state.device(Target{e.User, e.Device}) != nil
		a.mu.Unlock()
		if !known {
			stale = append(stale, e.Key)
		}
	}
	may := c.room.May(a.state.User, "", rtc.StateMember) == nil
	c.mu.Unlock()
	for _, key := range stale {
		if !may {
			break
		}
		if _, err := a.client.SendStateEvent(ctx, room, rtc.StateMember, key, struct{}{}); err != nil {
			return fmt.Errorf("could not take back an old membership: %w", loggedOut(err))
		}
	}
	a.mu.Lock()
	old := a.state.Member[room]
	a.mu.Unlock()
	if old == "" {
		return nil
	}
	if c.can.sticky {
		if err := a.sendLeave(ctx, rtc.Announcement{Room: room, ID: old}, true, 0, nil); err != nil && !refusedBy(err) {
			return fmt.Errorf("could not take back an old membership: %w", loggedOut(err))
		}
	}
	return a.remember(room, "")
}

// remember keeps the ID under which this device is a member by sticky events, as
// nobody else knows it when the process ends; "" forgets it.
func (a *Account) remember(room id.RoomID, member string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.Member[room] == member {
		return nil
	}
	if delete(a.state.Member, room); member != "" && len(a.state.Member) < maxStuckRooms {
		a.state.Member[room] = member
	}
	return a.save()
}

// cancelDelayed cancels this user's delayed memberships in a room: that of this
// device, by either format.
func (a *Account) cancelDelayed(ctx context.Context, room id.RoomID) error {
	list, err := a.client.DelayedEvents(ctx, &mautrix.ReqDelayedEvents{})
	if err != nil || list == nil {
		return loggedOut(err)
	}
	own := rtc.Announcement{User: a.state.User, Device: a.state.Device}.StateKey()
	a.mu.Lock()
	member := a.state.Member[room]
	a.mu.Unlock()
	for _, d := range list.Scheduled {
		if d == nil || d.RoomID != room {
			continue
		}
		state := d.Type.Type == rtc.StateMember.Type && d.StateKey != nil && (*d.StateKey == own || "_"+*d.StateKey == own)
		if sticky := d.Type.Type == rtc.StickyMember.Type && d.StateKey == nil && member != "" && d.Content.Raw["msc4354_sticky_key"] == member; !state && !sticky {
			continue
		}
		if err := a.updateDelayed(ctx, d.DelayID, event.DelayActionCancel); err != nil && !errors.Is(err, mautrix.MNotFound) {
			return fmt.Errorf("could not cancel a delayed leave: %w", loggedOut(err))
		}
	}
	return nil
}
