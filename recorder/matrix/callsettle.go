package matrix

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// settle brings the callers up to what the events, the clock and the devices' keys
// say, tells what that changes, and hands on the keys that count. Called locked.
func (c *Call) settle(now time.Time) {
	c.roster.Expire(now)
	list := c.present(now)
	there := make(map[Target]bool, len(list))
	for _, e := range list {
		t := Target{e.User, e.Device}
		there[t] = true
		if cl := c.callers[t]; cl == nil {
			c.arrive(t, e, now)
		} else {
			c.update(cl, e, now)
		}
	}
	for t, cl := range c.callers {
		if !there[t] {
			c.depart(t, cl, now)
		}
	}
	c.settleKeys(now)
	c.rotate(now)
	c.keys.expire(now, func(who holder) bool {
		return there[Target{who.user, c.a.sender(who.user, who.identity, who.signing)}]
	})
}

// present returns the memberships of others that count. Called locked.
func (c *Call) present(now time.Time) []rtc.Entry {
	return c.roster.Present(now, func(e rtc.Entry) bool {
		switch {
		case !c.room.Joined(e.User), e.Sticky && c.room.Closed, e.User == c.a.state.User && e.Device == c.a.state.Device:
			return false
		case !e.Encrypted:
			return true // the homeserver's word, as all state events are
		}
		device := c.a.sender(e.User, e.Identity, e.Signing)
		if device != "" && device != e.Device {
			c.refuse(Target{e.User, device}, fmt.Sprintf("a membership names device %s, and device %s wrote it", e.Device, device))
			return false
		}
		return true
	})
}

func (c *Call) arrive(t Target, e rtc.Entry, now time.Time) {
	cl := &caller{Caller: Caller{Member: e.Member, Name: c.room.Name(e.User), Identities: rtc.Identities(e.Member)}, entry: e, came: now}
	cl.Standing, cl.Master, _ = c.trust(t)
	c.callers[t] = cl
	c.emit(CallEvent{Kind: Came, Caller: cl.clone(), At: now, Sent: e.Since})
}

func (c *Call) depart(t Target, cl *caller, now time.Time) {
	delete(c.callers, t)
	c.lost(t)
	for key := range c.refused {
		if key.Target == t {
			delete(c.refused, key)
		}
	}
	for who := range c.keys.byHolder {
		if who.user == t.User && c.a.sender(who.user, who.identity, who.signing) == t.Device {
			c.keys.left(who, now)
		}
	}
	maps.DeleteFunc(c.hands, func(_ id.EventID, h hand) bool { return h.Target == t })
	c.emit(CallEvent{Kind: Left, Caller: cl.clone(), At: now})
}

// update takes in what changed of a caller that is there.
func (c *Call) update(cl *caller, e rtc.Entry, now time.Time) {
	t := Target{e.User, e.Device}
	reason := ""
	switch name := c.room.Name(e.User); {
	case e.Key != cl.Key || e.Sticky != cl.Sticky || !e.Since.Equal(cl.Since) && !e.Sticky:
		reason = "joined again"
		if e.Key != cl.Key || e.Sticky != cl.Sticky {
			c.regive(t, now) // under another identity
			cl.keyed = false
		}
	case !slices.Equal(e.Services, cl.Services) || e.Oldest != cl.Oldest:
		reason = "sends by another service"
	case name != cl.Name:
		reason = "is called otherwise"
	}
	cl.Member, cl.entry, cl.Name, cl.Identities = e.Member, e, c.room.Name(e.User), rtc.Identities(e.Member)
	standing, master, why := c.trust(t)
	stood := standing != cl.Standing || master != cl.Master
	was := cl.Standing
	cl.Standing, cl.Master = standing, master
	if reason != "" {
		c.emit(CallEvent{Kind: Changed, Caller: cl.clone(), Reason: reason})
	}
	if stood {
		c.emit(CallEvent{Kind: Stood, Caller: cl.clone(), Reason: cmp.Or(why, fmt.Sprintf("their device was %s before", was))})
		if standing < Signed {
			c.lost(t)
			c.regive(t, now)
			cl.keyed = false
		}
	}
}

// regive makes the keys of a device wait again for being handed on.
func (c *Call) regive(t Target, now time.Time) {
	for who := range c.keys.byHolder {
		if who.user == t.User && c.a.sender(who.user, who.identity, who.signing) == t.Device {
			c.keys.regive(who, now)
		}
	}
}

// settleKeys hands on the keys that wait, and may be handed on.
func (c *Call) settleKeys(now time.Time) {
	for _, who := range slices.Collect(maps.Keys(c.keys.byHolder)) {
		list := c.keys.byHolder[who]
		if !slices.ContainsFunc(list, func(k *heldKey) bool { return !k.given }) {
			continue
		}
		device := c.a.sender(who.user, who.identity, who.signing)
		t := Target{who.user, device}
		cl := c.callers[t]
		c.keys.byHolder[who] = slices.DeleteFunc(list, func(k *heldKey) bool {
			switch {
			case k.given:
			case device == "":
				if now.Sub(k.received) > unknownAfter {
					c.refuse(Target{User: who.user}, "a key came from a device that their homeserver does not show")
				}
			case k.Claimed != "" && k.Claimed != device:
				c.refuse(t, fmt.Sprintf("a key says that it is of device %s, and came from device %s", k.Claimed, device))
				return true
			case cl == nil, !k.Fits(cl.Member):
			case cl.Standing < Signed:
				if _, _, why := c.trust(t); why != notKnown || now.Sub(k.received) > unknownAfter {
					c.refuse(t, "their keys are not used: "+why)
				}
			default:
				k.given, cl.keyed = true, true
				c.emit(CallEvent{Kind: Keyed, Caller: cl.clone(), Index: k.Index, Key: slices.Clone(k.Key)})
			}
			return false
		})
		c.keys.tidy(who)
	}
}

// unknownAfter is how long a device may be unknown before its keys count as
// refused: the list of devices is on its way.
const unknownAfter = 3 * time.Second

// trust is what is known of a device, with what is pinned. Called locked.
func (c *Call) trust(t Target) (Standing, id.Ed25519, string) {
	var pinned id.Ed25519
	if c.c.Pinned != nil {
		pinned = c.c.Pinned(t.User)
	}
	return c.a.trust(t, pinned)
}

// A refusal is what was told once of a device.
type refusal struct {
	Target
	why string
}

const (
	maxRefused   = 1000
	maxRefusedOf = 20 // of a user: who makes up others must not silence what is to be told of the rest
)

// refuse tells, once, that something of a device is not used. Called locked.
func (c *Call) refuse(t Target, why string) {
	key := refusal{t, why}
	if c.refused[key] || len(c.refused) >= maxRefused {
		return
	}
	of := 0
	for other := range c.refused {
		if other.User == t.User {
			of++
		}
	}
	if of >= maxRefusedOf {
		return
	}
	c.refused[key] = true
	c.emit(CallEvent{Kind: Refused, Caller: c.who(t), Reason: why})
}

// who returns what is known of a device, a member of the call or not. Called locked.
func (c *Call) who(t Target) Caller {
	if cl := c.callers[t]; cl != nil {
		return cl.clone()
	}
	w := Caller{Member: rtc.Member{User: t.User, Device: t.Device}, Name: c.room.Name(t.User)}
	if t.Device != "" {
		w.Standing, w.Master, _ = c.trust(t)
	}
	return w
}

// message takes in a to-device event. Called locked.
func (c *Call) message(m Message) {
	if !rtc.IsKey(m.Type) {
		return
	}
	joined := c.room.Joined(m.Sender)
	if !m.Encrypted {
		if joined {
			c.refuse(Target{User: m.Sender}, "a key came unencrypted")
		}
		return
	}
	k, err := rtc.ReadKey(m.Type, m.Content)
	switch {
	case err != nil:
		if joined {
			c.refuse(Target{m.Sender, c.a.sender(m.Sender, m.Identity, m.Signing)}, err.Error())
		}
	case k.Room != c.c.Room:
	default:
		c.keys.put(m.Sender, joined, &heldKey{MediaKey: k, identity: m.Identity, signing: m.Signing, received: m.Received})
	}
}
