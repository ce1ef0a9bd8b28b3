package matrix

import (
	"context"
	"encoding/base64"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A sending is how far this device's key is on its way to a member.
type sending struct {
	index int    // of the key
	key   string // of the membership that it was sent to
	since time.Time
	to    string // our own membership, of which it was announced
	done  bool
	tries int
	next  time.Time
}

const maxResend = time.Minute

// distribute sends this device's key to members who lack it. Who is signed gets it
// (MSC4153); where it could not be sent, as the device is not known yet or has no
// one-time key left, it is sent again later.
func (c *Call) distribute(ctx context.Context) error {
	own, _, entered := c.Own()
	if !entered {
		return nil
	}
	now := time.Now()
	var to []Target
	c.mu.Lock()
	key := c.newest()
	for t, cl := range c.callers {
		if cl.Standing < Signed {
			continue
		}
		s := c.sent[t]
		if s == nil || s.index != key.index || s.key != cl.Key || !s.since.Equal(cl.Since) || s.to != own.ID+own.Since.String() {
			s = &sending{index: key.index, key: cl.Key, since: cl.Since, to: own.ID + own.Since.String()}
			c.sent[t] = s
		}
		if !s.done && !now.Before(s.next) {
			to = append(to, t)
		}
	}
	c.mu.Unlock()
	if len(to) == 0 {
		return nil
	}
	content := map[string]any{
		"keys":    map[string]any{"index": key.index, "key": base64.StdEncoding.EncodeToString(key.key)},
		"member":  map[string]any{"id": own.ID, "claimed_device_id": own.Device},
		"room_id": c.c.Room, "session": map[string]any{"application": "m.call", "call_id": "", "scope": "m.room"},
		"sent_ts": now.UnixMilli(),
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := c.a.Send(ctx, rtc.KeysType, content, to...)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range to {
		s := c.sent[t]
		if s == nil {
			c.known = true // it left meanwhile
			continue
		}
		s.tries++
		s.next = time.Now().Add(min(c.t.resend<<min(s.tries-1, 10), maxResend))
	}
	for _, t := range got {
		if s := c.sent[t]; s != nil {
			s.done = true
		}
	}
	if err != nil {
		for _, t := range to { // their devices may be known in part only
			c.a.suspect(t.User)
		}
	}
	return err
}

// suspect makes the devices of a user be asked for again. Called with Call.mu held.
func (a *Account) suspect(user id.UserID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.state.Peers[user]; p != nil {
		p.Stale = true
	}
}

// askKeys joins the call again if some member's key does not come: to others this
// device is a comer then, who gets their keys. Once for each member.
func (c *Call) askKeys(now time.Time) {
	p := &c.own
	p.mu.Lock()
	entered, joined := p.entered, p.joined
	p.mu.Unlock()
	if !entered || now.Sub(joined) < c.t.keyWait {
		return
	}
	c.mu.Lock()
	lacking := 0
	for _, cl := range c.callers {
		if cl.Standing >= Signed && !cl.keyed && !cl.asked && now.Sub(cl.came) >= c.t.keyWait {
			cl.asked = true
			lacking++
		}
	}
	c.mu.Unlock()
	if lacking == 0 {
		return
	}
	c.a.log.Info("members sent no key: joining the call again", "members", lacking)
	p.mu.Lock()
	p.anew = true
	p.mu.Unlock()
	p.poke()
}
