package matrix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A CallConfig says which call it is, and who is told of it.
type CallConfig struct {
	Room    id.RoomID
	Servers []string // that may know the room, if this user is not in it yet
	// Data is what others may read of the recorder in its membership, under
	// dev.sealtape.recorder; nil for nothing.
	Data map[string]any
	// Pinned returns the master key that a pinned card, or the operator, binds to a
	// user, "" for none. It is called often, by several goroutines, and must not call
	// the Call. nil binds nobody.
	Pinned func(user id.UserID) id.Ed25519
	// OnEvent is told what happens, by one goroutine at a time, in order. It must not
	// wait long: as long as it does, nothing else is heard. It may call the Call's
	// methods but Run.
	OnEvent func(CallEvent)
	// Services are the URLs of the token services that may be asked, wherever they are;
	// empty for all that members name, but those nearer to this machine than the
	// homeserver: of its network, where that is not, or of itself.
	Services []string
	// Plain lets a room pass that is not encrypted.
	Plain bool
}

// timing is how a call goes on; tests have shorter times.
type timing struct {
	leaveDelay   time.Duration // the homeserver ends the membership so long after the last restart, where it can (MSC4140)
	restart      time.Duration
	withDelay    time.Duration // a membership by a state event ends by itself
	withoutDelay time.Duration
	sticky       time.Duration // one by a sticky event does
	keyWait      time.Duration // without a key of a member, before joining again
	resend       time.Duration // the first wait before a key is sent again that could not be
	useKey       time.Duration // before a key of ours is in use that was sent
	tick         time.Duration
}

var usualTiming = timing{
	leaveDelay: 8 * time.Second, restart: 4 * time.Second, withDelay: 4 * time.Hour, withoutDelay: 10 * time.Minute,
	sticky: time.Hour, keyWait: 10 * time.Second, resend: 2 * time.Second, useKey: 5 * time.Second, tick: 500 * time.Millisecond,
}

// A Call is the call of a room, as this device follows it, and takes part once it
// entered. Its methods may be called concurrently.
type Call struct {
	a    *Account
	c    CallConfig
	t    timing
	can  features
	own  presence
	wake chan struct{} // the ticking goroutine has something to do

	telling sync.Mutex // held while OnEvent is called, so that events keep their order

	mu      sync.Mutex
	room    *rtc.Room
	roster  *rtc.Roster
	callers map[Target]*caller
	keys    *heldKeys
	unread  []unread
	key     ownKey
	coming  []ownKey // that members get, and that are not in use yet, the next first
	known   bool     // key is, to somebody who is not in the call any more
	sent    map[Target]*sending
	hands   map[id.EventID]hand
	refused map[refusal]bool
	heard   map[Target]bool // who can read a notice of ours
	weak    [2]error        // what this user may not do: take part, write
	busy    bool            // an answer is being taken in: devices in it may not be known yet
	stale   bool            // the room's state is to be read again
	reread  time.Time       // not before
	synced  int             // how often a sync brought news of the room
	over    string          // why this user is not in the room any more
	pending []CallEvent
}

// features is what the homeserver can.
type features struct{ delayed, sticky bool }

// A caller is a Caller, and what is remembered of them.
type caller struct {
	Caller
	entry rtc.Entry
	came  time.Time // by this machine's clock
	keyed bool      // a key was handed on since
	asked bool      // this device joined again, as no key came
}

// OpenCall joins a room, if this user is not in it, and returns its call. What an
// earlier life left in it is taken back. Of the errors, ErrNotInvited,
// ErrNotEncrypted, a *rtc.PowerError and ErrUnsignedDevice are for the operator to mend.
func (a *Account) OpenCall(ctx context.Context, conf CallConfig) (*Call, error) {
	c := &Call{a: a, c: conf, t: usualTiming, key: ownKey{key: random(16)}, wake: make(chan struct{}, 1),
		room: rtc.NewRoom(), roster: rtc.NewRoster(), callers: make(map[Target]*caller), keys: newHeldKeys(),
		sent: make(map[Target]*sending), hands: make(map[id.EventID]hand), refused: make(map[refusal]bool), heard: make(map[Target]bool)}
	c.own.again = make(chan struct{}, 1)
	versions, err := a.client.Versions(ctx)
	if err != nil {
		return nil, fmt.Errorf("could not ask what the homeserver can: %w", loggedOut(err))
	}
	c.can = features{delayed: versions.UnstableFeatures["org.matrix.msc4140"], sticky: versions.UnstableFeatures["org.matrix.msc4354"]}
	if err := a.checkSigned(ctx); err != nil {
		return nil, err
	}
	if err := a.Stock(ctx); err != nil { // the next answer to Sync counts them again
		a.log.Warn("could not fill up one-time keys", "err", err)
	}
	if err := c.joinRoom(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	for _, e := range a.sticky(conf.Room) {
		c.event(e, false)
	}
	encrypted := c.room.Encrypted
	c.weak = c.weaknesses()
	weak := c.weak[0]
	c.mu.Unlock()
	if !encrypted && !conf.Plain {
		return nil, ErrNotEncrypted
	}
	if weak != nil {
		return nil, weak
	}
	if err := c.clear(ctx); err != nil {
		return nil, err
	}
	c.follow(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(time.Now())
	return c, nil
}

// checkSigned makes sure that this device is signed by the keys that others see.
func (a *Account) checkSigned(ctx context.Context) error {
	a.mu.Lock()
	a.track(a.state.User)
	if p := a.state.Peers[a.state.User]; p != nil {
		p.Stale = true
	}
	a.mu.Unlock()
	if err := a.refresh(ctx); err != nil {
		return loggedOut(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	own, err := a.publicMaster()
	if err != nil {
		return err
	}
	p := a.state.Peers[a.state.User]
	if p == nil || own == "" || p.Master != own {
		return ErrUnsignedDevice
	}
	if d := p.Devices[a.state.Device]; d == nil || !d.Signed {
		return ErrUnsignedDevice
	}
	return nil
}

// Run follows the call until the context ends, whose error it returns, or this user
// is removed from the room (ErrRemoved), or the account's Sync ends. It runs Sync:
// nothing else of the account may.
func (c *Call) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.keep(ctx) })
	wg.Go(func() { c.tick(ctx) })
	err := c.a.Sync(ctx, c.handle)
	cancel()
	wg.Wait()
	c.tell()
	return err
}

// handle takes in what a sync brought.
func (c *Call) handle(ctx context.Context, b *Batch) error {
	c.mu.Lock()
	c.busy = true
	for _, r := range b.Rooms {
		if r.ID == c.c.Room {
			c.takeRoom(r, b.First)
		}
	}
	for _, m := range b.Messages {
		c.message(m)
	}
	c.retry()
	stale := c.stale && !time.Now().Before(c.reread)
	c.mu.Unlock()
	if stale {
		c.reload(ctx)
	}
	c.follow(ctx)
	c.mu.Lock()
	c.busy = false
	c.settle(time.Now())
	over := c.over
	c.mu.Unlock()
	c.tell()
	c.nudge()
	if over != "" {
		return fmt.Errorf("%w: %s", ErrRemoved, over)
	}
	return ctx.Err()
}

// tick does what is due by time: memberships run out, devices become known or
// another's, keys are sent.
func (c *Call) tick(ctx context.Context) {
	timer := time.NewTicker(c.t.tick)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		busy, stale := c.busy, c.stale && !time.Now().Before(c.reread)
		if busy {
			c.rotate(time.Now()) // what takes long must not let who left read on
		} else {
			c.settle(time.Now())
		}
		c.mu.Unlock()
		c.tell()
		if stale && !busy {
			c.reload(ctx)
		}
		if err := c.distribute(ctx); err != nil && ctx.Err() == nil {
			c.a.log.Warn("could not send this device's key", "err", loggedOut(err))
		}
		c.askKeys(time.Now())
	}
}

func (c *Call) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// follow keeps up with the devices of all who take part.
func (c *Call) follow(ctx context.Context) {
	users := make(map[id.UserID]bool)
	c.mu.Lock()
	for e := range c.roster.All() {
		if c.room.Joined(e.User) {
			users[e.User] = true
		}
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := c.a.Follow(ctx, slices.Collect(maps.Keys(users))...); err != nil {
		c.a.log.Warn("could not ask for members' devices", "err", loggedOut(err))
	}
}

// emit adds an event for OnEvent. Called locked.
func (c *Call) emit(e CallEvent) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	c.pending = append(c.pending, e)
}

// tell gives the events to OnEvent. Each sync waits for it, so that what waits is
// no more than one answer of the homeserver's brought.
func (c *Call) tell() {
	c.telling.Lock()
	defer c.telling.Unlock()
	for {
		c.mu.Lock()
		events := c.pending
		c.pending = nil
		c.mu.Unlock()
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			if c.c.OnEvent != nil {
				c.c.OnEvent(e)
			}
		}
	}
}

// Members returns who else is in the call, the oldest first: those whose events
// are valid, have not run out, and whose users are in the room.
func (c *Call) Members() []Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Caller
	for _, m := range c.present(time.Now()) {
		if cl := c.callers[Target{m.User, m.Device}]; cl != nil {
			list = append(list, cl.clone())
		}
	}
	return list
}

// weaknesses returns what this user may not do: take part in the call, and write.
// Called locked.
func (c *Call) weaknesses() (weak [2]error) {
	user := c.a.state.User
	weak[0] = c.room.May(user, "to take part in its call", rtc.StateMember)
	if weak[0] != nil && c.can.sticky && c.room.May(user, "", c.stickyType()) == nil {
		weak[0] = nil
	}
	kind := event.EventMessage
	if c.room.Encrypted {
		kind = event.EventEncrypted
	}
	weak[1] = c.room.May(user, "to write into it", kind)
	return weak
}

// StickyOnly returns the *rtc.PowerError that keeps this user from being a member of the call by
// a state event, as most clients are, where it may be one by a sticky event; else nil.
func (c *Call) StickyOnly() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.weaknesses()[0] != nil {
		return nil // OpenCall and Powerless tell that
	}
	return c.room.May(c.a.state.User, "to take part in its call", rtc.StateMember)
}

var errNoEvent = errors.New("the homeserver did not say what became of the event")
