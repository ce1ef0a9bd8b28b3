package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A presence is this device's own membership in a call.
type presence struct {
	again chan struct{} // it is lost, or to be said anew
	step  sync.Mutex    // held while requests are made that change it

	mu       sync.Mutex
	entered  bool
	stickily bool
	said     rtc.Announcement
	times    int        // that it was joined, so that each time has another content
	joined   time.Time  // the last time, by this machine's clock
	delayed  id.DelayID // of the leave that the homeserver sends; "" for none
	delay    time.Duration
	renew    time.Time
	event    id.EventID // the newest of it
	seen     bool       // that event came back
	came     []ownEvent // since the newest came, or before it did
	lost     bool
	losses   int
	barred   int  // how often it was refused since it was lost
	anew     bool // to be joined again, so that others send their keys
}

// sent returns the ID of the newest event, "" if there is none.
func (p *presence) sent() id.EventID {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.entered {
		return ""
	}
	return p.event
}

func (p *presence) stateKey() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.StateKey()
}

// An ownEvent is an event of this device's membership that came.
type ownEvent struct {
	id     id.EventID
	key    string
	sticky bool
	left   bool
	since  time.Time
}

// saw takes in such events, in the order of the room. What ends the membership
// counts once its newest event came: before, it is what was taken back on entering.
func (p *presence) saw(e ownEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came = append(last(p.came, maxCame-1), e)
	p.look()
}

// look looks through what came for the newest event, and what came after it. That is kept:
// it may have come before the answer that says that it is the newest. Called locked.
func (p *presence) look() {
	if !p.entered {
		return
	}
	for i, e := range p.came {
		if e.id == p.event {
			p.seen = true
			p.came = p.came[i+1:]
			if p.said.Since.IsZero() && !p.stickily && !e.since.IsZero() {
				p.said.Since = e.since // by the homeserver's clock
			}
			break
		}
	}
	if p.seen && slices.ContainsFunc(p.came, p.ends) {
		p.lose()
	}
}

// ends reports whether an event ends the membership, if it comes after it.
func (p *presence) ends(e ownEvent) bool {
	return e.left && e.sticky == p.stickily && e.key == p.key()
}

const maxCame = 32

// loaded compares with the state of the room, which was read after the event that
// is named was sent: now is whether it has the membership.
func (p *presence) loaded(sent id.EventID, now bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered && !p.stickily && p.event == sent {
		p.came = slices.DeleteFunc(p.came, p.ends) // this is newer
		if p.seen = true; !now {
			p.lose()
		}
	}
}

func (p *presence) redacted(e id.EventID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered && e == p.event {
		p.lose()
	}
}

func (p *presence) lose() {
	p.lost = true
	p.poke()
}

func (p *presence) poke() {
	select {
	case p.again <- struct{}{}:
	default:
	}
}

// is takes in that an event was sent, and is the newest. Called locked.
func (p *presence) is(sent id.EventID) {
	p.entered, p.event, p.seen, p.lost = true, sent, false, false
	p.look() // it may have come before the answer
}

// key is what all events of the membership have.
func (p *presence) key() string {
	if p.stickily {
		return p.said.ID
	}
	return p.said.StateKey()
}

// Watched reports whether the homeserver ends the membership when this process
// dies.
func (c *Call) Watched() bool {
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	return c.own.delayed != ""
}

// Own returns this device's own membership, and its LiveKit identity; false if it
// has not entered.
func (c *Call) Own() (m rtc.Member, identity string, entered bool) {
	p := &c.own
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.entered {
		return rtc.Member{}, "", false
	}
	m = rtc.Member{User: p.said.User, Device: p.said.Device, Key: p.key(), Sticky: p.stickily, Since: p.joined, Oldest: p.said.Oldest, Services: []string{p.said.Service}}
	m.ID = string(p.said.User) + ":" + string(p.said.Device)
	if p.stickily {
		m.ID = p.said.ID
	}
	m.Expires = p.joined.Add(p.said.Expires)
	return m, rtc.Identities(m)[0], true
}

// Enter makes this device a member, in the format that most members have. Run must
// be running: it keeps the membership. If nobody else is there the error is
// ErrNobody, and ErrNoTransport if nobody names a LiveKit service. Entered already, it
// does nothing.
func (c *Call) Enter(ctx context.Context) error {
	p := &c.own
	p.step.Lock()
	defer p.step.Unlock()
	p.mu.Lock()
	entered := p.entered
	p.mu.Unlock()
	if entered {
		return nil
	}
	said, stickily, err := c.choose(time.Now())
	if err != nil {
		return err
	}
	return c.enterAs(ctx, said, stickily)
}

// enterAs makes this device a member. Called with step held.
func (c *Call) enterAs(ctx context.Context, said rtc.Announcement, stickily bool) error {
	p := &c.own
	p.mu.Lock()
	p.said, p.stickily, p.delayed, p.delay = said, stickily, "", c.t.leaveDelay
	p.lost, p.anew, p.losses, p.came = false, false, 0, nil
	p.mu.Unlock()
	if stickily {
		if err := c.a.remember(c.c.Room, said.ID); err != nil {
			return err
		}
	}
	if err := c.join(ctx); err != nil {
		return err
	}
	c.nudge() // keys are due
	p.poke()
	return nil
}

// choose returns how this device is to be a member: in the format of most, by the
// service of the oldest.
func (c *Call) choose(now time.Time) (said rtc.Announcement, stickily bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != "" {
		return said, false, ErrRemoved
	}
	list := c.present(now)
	if len(list) == 0 {
		return said, false, ErrNobody
	}
	said = rtc.Announcement{User: c.a.state.User, Device: c.a.state.Device, Room: c.c.Room, ID: uuid(), Data: c.c.Data,
		Bare: c.room.Version == "org.matrix.msc3757.10" || c.room.Version == "org.matrix.msc3757.11" || c.room.Version == "org.matrix.msc3779"}
	sticky, oldest := 0, 0
	for _, e := range list {
		if e.Sticky {
			sticky++
		}
		if e.Oldest {
			oldest++
		}
		if said.Service == "" && len(e.Services) > 0 {
			said.Service = e.Services[0]
		}
	}
	if said.Service == "" {
		return said, false, ErrNoTransport
	}
	user := c.a.state.User
	byState, bySticky := c.room.May(user, "to take part in its call", rtc.StateMember), c.room.May(user, "to take part in its call", c.stickyType())
	stickily = 2*sticky > len(list)
	switch {
	case stickily && (!c.can.sticky || bySticky != nil):
		stickily = false // those who read sticky events read the others, too
	case !stickily && byState != nil && c.can.sticky && bySticky == nil:
		stickily = true
	}
	if !stickily && byState != nil {
		return said, false, byState
	}
	said.Oldest = !stickily && 2*oldest > len(list)
	return said, stickily, nil
}

// stickyType is the type of event by which a sticky membership is sent. Called
// locked.
func (c *Call) stickyType() event.Type {
	if c.room.Encrypted {
		return event.EventEncrypted
	}
	return rtc.StickyMember
}

// join has the leave delayed, where the homeserver can, and then sends the
// membership: never the membership alone. Called with step held.
func (c *Call) join(ctx context.Context) error {
	p := &c.own
	if c.can.delayed {
		if err := c.delayLeave(ctx); err != nil {
			c.a.log.Warn("the homeserver will not end this device's membership if it dies", "err", loggedOut(err))
		}
	}
	p.mu.Lock()
	p.times++
	p.said.Since, p.joined = time.Time{}, time.Now()
	p.said.Expires = c.lasts() + time.Duration(p.times)*time.Millisecond // the same content again would be no event
	p.mu.Unlock()
	return c.say(ctx)
}

// lasts returns how long the membership is to last by itself.
func (c *Call) lasts() time.Duration {
	switch {
	case c.own.stickily:
		return c.t.sticky
	case c.own.delayed != "":
		return c.t.withDelay
	}
	return c.t.withoutDelay
}

// say sends the membership as it is. Called with step held.
func (c *Call) say(ctx context.Context) error {
	p := &c.own
	p.mu.Lock()
	said, stickily := p.said, p.stickily
	p.mu.Unlock()
	var sent id.EventID
	var err error
	if stickily {
		sent, err = c.saySticky(ctx, said)
	} else {
		var resp *mautrix.RespSendEvent
		if resp, err = c.a.client.SendStateEvent(ctx, said.Room, rtc.StateMember, said.StateKey(), said.StateContent()); err == nil {
			sent = resp.EventID
		}
	}
	if err == nil && sent == "" {
		err = errNoEvent
	}
	if err != nil {
		return fmt.Errorf("could not become a member of the call: %w", loggedOut(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.is(sent)
	if p.renew = time.Now().Add(c.lasts() / 2); stickily {
		p.renew = time.Now().Add(c.t.sticky - c.t.sticky/720) // 60 min less 5 s
	}
	return nil
}

func (c *Call) saySticky(ctx context.Context, said rtc.Announcement) (id.EventID, error) {
	c.mu.Lock()
	encrypted := c.room.Encrypted
	c.mu.Unlock()
	extra := mautrix.ReqSendEvent{UnstableStickyDuration: c.t.sticky}
	if encrypted {
		return c.a.Write(ctx, said.Room, rtc.StickyMember, said.StickyContent(), extra)
	}
	resp, err := c.a.client.SendMessageEvent(ctx, said.Room, rtc.StickyMember, said.StickyContent(), extra)
	if err != nil {
		return "", err
	}
	return resp.EventID, nil
}

// Leave ends the membership, if there is one: by the delayed event, which must not
// come later, into another life. Run may have ended.
func (c *Call) Leave(ctx context.Context) error {
	p := &c.own
	p.step.Lock()
	defer p.step.Unlock()
	p.mu.Lock()
	entered, delayed, said, stickily := p.entered, p.delayed, p.said, p.stickily
	p.entered, p.delayed = false, ""
	p.mu.Unlock()
	if !entered {
		return nil
	}
	c.mu.Lock()
	for t := range c.sent {
		c.lost(t)
	}
	over := c.over
	c.mu.Unlock()
	err := errNoDelayed
	if over != "" { // the membership ended with being in the room
		return c.a.remember(c.c.Room, "")
	}
	if delayed != "" {
		err = c.a.updateDelayed(ctx, delayed, event.DelayActionSend)
	}
	if err != nil {
		err = c.a.sendLeave(ctx, said, stickily, 0, nil)
	}
	if err != nil {
		p.mu.Lock()
		p.entered, p.delayed = true, delayed // to be tried again
		p.mu.Unlock()
		return fmt.Errorf("could not leave the call: %w", loggedOut(err))
	}
	if stickily {
		return c.a.remember(c.c.Room, "")
	}
	return nil
}

var errNoDelayed = errors.New("there is no delayed event")
