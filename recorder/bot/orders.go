package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/order"
)

// tellOrder is how long the room may take to hear of a pause.
const tellOrder = 5 * time.Second

// errCannotStop: whoever runs the recorder gave no way to end it.
var errCannotStop = errors.New("this recorder ends by itself only")

// ordered is the reason of a pause that an operator ordered.
const ordered = "order"

// newDesk returns who takes the orders of operators, in the room of m.
func newDesk(b *Bot, m *membership) (*order.Desk, error) {
	return order.NewDesk(order.Config{
		Room: m.room.Name(), From: m.room.Identity(), Key: b.c.Identity, Operators: b.c.Operators,
		Counts: func(c keys.Card) error { return counts(b.c.Home, c, time.Now()) },
		Status: func() order.Status {
			m.mu.Lock()
			s := order.Status{Recording: m.id, State: m.phase}
			m.mu.Unlock()
			s.Backlog = b.Status().Bytes
			return s
		},
		Do: b.obey,
	})
}

// counts returns why a card of a home does not count now.
func counts(home *keys.Home, c keys.Card, now time.Time) error {
	if home == nil {
		if c.Expired(now) {
			return keys.ErrExpired
		}
		return nil
	}
	pins, err := home.Pins()
	if err != nil {
		return err
	}
	for _, p := range pins {
		if p.Key == c.Key {
			return p.Live(now)
		}
	}
	return keys.ErrNoMember
}

// obey does what an operator ordered.
func (b *Bot) obey(ctx context.Context, what string, by keys.Card) error {
	ctx, cancel := context.WithTimeout(ctx, tellOrder)
	defer cancel()
	var err error
	switch what {
	case order.Pause:
		err = b.Pause(ctx, ordered)
	case order.Resume:
		err = b.Resume(ctx)
	case order.Stop:
		if b.c.Stop == nil {
			return errCannotStop
		}
		b.c.Stop()
	default:
		err = fmt.Errorf("no order: %q", what)
	}
	if err != nil {
		b.log.Warn("an order could not be done", "order", what, "err", err)
		return errors.New("the room could not be told, or nothing is recorded yet")
	}
	b.log.Info("an order was done", "order", what)
	b.say("%s ordered: %s", words.Clean(by.Name), what)
	return nil
}

// call answers a remote procedure call.
func (m *membership) call(ctx context.Context, method, from, payload string) (answer string, known bool, err error) {
	if method != order.Method {
		return "", false, nil
	}
	reply, err := m.desk.Call(ctx, from, []byte(payload))
	return string(reply), true, err
}
