package order

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// How many turns there are.
const (
	turnTime   = 30 * time.Second // how long a turn lasts
	maxTurns   = 1024
	turnsEach  = 4   // of one caller
	maxCallers = 512 // that are told apart
	callBurst  = 8   // calls of one caller at once
	callEvery  = time.Second
)

// What a Desk refuses with. Their texts go to who asked.
var (
	ErrFlood     = errors.New("too many calls")
	ErrStale     = errors.New("no turn of this recorder, or one that is over: ask again")
	ErrOther     = errors.New("an order for another room, recorder or recording")
	ErrForbidden = errors.New("not signed by who may give orders")
	ErrFailed    = errors.New("the recorder could not do it")
)

// A Status is what a recorder says of itself.
type Status struct {
	Recording string
	State     string
	Backlog   int64 // bytes
}

// A Config says whom a Desk is for. All but Now are required.
type Config struct {
	// Room is the name of the room, From the recorder's identity in it.
	Room, From string
	// Key is the recorder's.
	Key *keys.Identity
	// Operators are the cards of those who may give orders. Counts says why one of them does
	// not count any more, such as that it was revoked; nil if it does.
	Operators []keys.Card
	Counts    func(keys.Card) error
	// Status returns what the recorder does.
	Status func() Status
	// Do does what was ordered, by whom.
	Do func(ctx context.Context, what string, by keys.Card) error
	// Now is the time; nil means time.Now.
	Now func() time.Time
}

// A Desk takes the calls of one recorder, in one stay in a room. It is safe for concurrent
// use.
type Desk struct {
	c    Config
	card keys.Card

	doing sync.Mutex // held while an order is done
	mu    sync.Mutex // guards what follows
	turns map[Nonce]turn
	calls map[string]calls
}

type turn struct {
	until time.Time
	of    string
}

// calls are those of one caller.
type calls struct {
	left   int
	filled time.Time
}

// NewDesk returns a Desk.
func NewDesk(c Config) (*Desk, error) {
	card, err := c.Key.Card()
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Desk{c: c, card: card, turns: make(map[Nonce]turn), calls: make(map[string]calls)}, nil
}

// Call answers a message. from tells callers apart, as far as the server does. The error
// may be shown to the caller.
func (d *Desk) Call(ctx context.Context, from string, message []byte) ([]byte, error) {
	now := d.c.Now()
	if !d.takes(from, now) {
		return nil, ErrFlood
	}
	q, o, err := parse(message)
	if err != nil {
		return nil, err
	}
	if q != nil {
		return d.answer(from, q.Asked, now)
	}
	if err := d.obey(ctx, o, message, now); err != nil {
		return nil, err
	}
	return d.answer(from, o.Asked, d.c.Now())
}

// takes reports whether a caller may call now.
func (d *Desk) takes(from string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, known := d.calls[from]
	if !known {
		if len(d.calls) >= maxCallers {
			maps.DeleteFunc(d.calls, func(_ string, c calls) bool { return now.Sub(c.filled) > callBurst*callEvery })
		}
		if len(d.calls) >= maxCallers {
			return false
		}
		c = calls{callBurst, now}
	}
	if more := int(now.Sub(c.filled) / callEvery); more > 0 {
		c.left, c.filled = min(callBurst, c.left+more), now
	}
	if c.left == 0 {
		return false
	}
	c.left--
	d.calls[from] = c
	return true
}

// answer answers a caller, and gives them a turn.
func (d *Desk) answer(from string, asked Nonce, now time.Time) ([]byte, error) {
	s := d.c.Status()
	a := Answer{Room: d.c.Room, From: d.c.From, Asked: asked, Turn: NewNonce(), Recording: s.Recording, State: s.State,
		Backlog: int(min((s.Backlog+1<<20-1)>>20, 1<<31-1)), Card: d.card}
	d.mu.Lock()
	d.give(a.Turn, from, now)
	d.mu.Unlock()
	return a.Sign(d.c.Key.Signer())
}

// give notes a turn. The oldest of the caller, or of all, makes room for it. The caller
// holds d.mu.
func (d *Desk) give(n Nonce, from string, now time.Time) {
	maps.DeleteFunc(d.turns, func(_ Nonce, t turn) bool { return !now.Before(t.until) })
	drop := func(of func(turn) bool, most int) {
		var oldest Nonce
		count := 0
		for n, t := range d.turns {
			if !of(t) {
				continue
			}
			if count == 0 || t.until.Before(d.turns[oldest].until) {
				oldest = n
			}
			count++
		}
		if count >= most {
			delete(d.turns, oldest)
		}
	}
	drop(func(t turn) bool { return t.of == from }, turnsEach)
	drop(func(turn) bool { return true }, maxTurns)
	d.turns[n] = turn{now.Add(turnTime), from}
}

// obey does what an order says. Orders are done one after another, and each ends all turns
// that were given before it: so none counts that was signed before another was done.
func (d *Desk) obey(ctx context.Context, o *Order, message []byte, now time.Time) error {
	d.doing.Lock()
	defer d.doing.Unlock()
	d.mu.Lock()
	t, ok := d.turns[o.Turn]
	d.mu.Unlock()
	if !ok || !now.Before(t.until) {
		return ErrStale
	}
	if s := d.c.Status(); o.Room != d.c.Room || o.To != d.c.From || o.Recording != s.Recording {
		return ErrOther
	}
	by, ok := d.signer(message)
	if !ok {
		return ErrForbidden
	}
	if err := d.c.Counts(by); err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	d.mu.Lock()
	d.turns = make(map[Nonce]turn)
	d.mu.Unlock()
	if err := d.c.Do(ctx, o.Do, by); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return nil
}

// signer returns whose order a message is.
func (d *Desk) signer(message []byte) (keys.Card, bool) {
	text, err := textOf(message)
	if err != nil {
		return keys.Card{}, false
	}
	for _, c := range d.c.Operators {
		if signedBy(message, text, c.Verifier()) {
			return c, true
		}
	}
	return keys.Card{}, false
}
