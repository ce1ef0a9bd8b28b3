package matrix

import (
	"slices"
	"time"
)

// An ownKey is a media key of this device. It sends no media; what it says at LiveKit is
// encrypted under it.
type ownKey struct {
	index int
	key   []byte
	from  time.Time // when it comes into use
}

// Key returns this device's own media key, which members get when it has entered. Another one
// comes with an event, OwnKey, some time after a member left who had it.
func (c *Call) Key() (index int, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key.index, slices.Clone(c.key.key)
}

// lost says that somebody may have this device's key who is not to read what it says from now
// on. Called locked.
func (c *Call) lost(t Target) {
	if s := c.sent[t]; s != nil && s.tries > 0 {
		c.known = true
	}
	delete(c.sent, t)
}

// maxComing bounds the keys that are on their way to members. It is far more than one a tick.
const maxComing = 32

// rotate makes another key if somebody has it who left, as members do (MSC4143); and brings it
// into use when they had time to receive it. Who leaves meanwhile may have that one, too, so there
// is another for each: whoever left reads no longer than that time, however many leave. Called
// locked.
func (c *Call) rotate(now time.Time) {
	for len(c.coming) > 0 && !now.Before(c.coming[0].from) {
		c.key, c.coming = c.coming[0], c.coming[1:]
		c.emit(CallEvent{Kind: OwnKey, Index: c.key.index, Key: slices.Clone(c.key.key), At: now})
	}
	if !c.known {
		return
	}
	c.known = false
	next := ownKey{index: (c.newest().index + 1) % 256, key: random(16), from: now.Add(c.t.useKey)}
	if n := len(c.coming); n < maxComing {
		c.coming = append(c.coming, next)
	} else { // in place of the last, and not later
		next.from = c.coming[n-1].from
		c.coming[n-1] = next
	}
	c.nudge()
}

// newest returns the key that members are to have by now. Called locked.
func (c *Call) newest() ownKey {
	if n := len(c.coming); n > 0 {
		return c.coming[n-1]
	}
	return c.key
}
