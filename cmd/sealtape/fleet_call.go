package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/order"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// A caller reaches the recorders of rooms by LiveKit's remote procedure calls.
type caller struct {
	server *watch.LiveKit
	home   *keys.Home
}

// ask asks a recorder what it does. The answer is signed by the recorder; verified says that
// its card counts for us.
func (c caller) ask(ctx context.Context, room, identity string) (a order.Answer, verified bool, err error) {
	q := order.Question{Asked: order.NewNonce()}
	return c.call(ctx, room, identity, q.Marshal(), q.Asked)
}

// tell has a verified recorder do something, and returns what it does then.
func (c caller) tell(ctx context.Context, room, identity, do string, by note.Signer) (order.Answer, error) {
	a, verified, err := c.ask(ctx, room, identity)
	if err != nil {
		return a, err
	}
	if !verified {
		return a, &strangerError{a.Card}
	}
	o := order.Order{Room: room, To: identity, Recording: a.Recording, Turn: a.Turn, Asked: order.NewNonce(), Do: do}
	b, err := o.Sign(by)
	if err != nil {
		return a, err
	}
	after, _, err := c.call(ctx, room, identity, b, o.Asked)
	if err == nil && after.Card.Key != a.Card.Key {
		err = errors.New("somebody else answered")
	}
	return after, err
}

func (c caller) call(ctx context.Context, room, identity string, message []byte, asked order.Nonce) (a order.Answer, verified bool, err error) {
	reply, err := c.server.Ask(ctx, room, identity, order.Method, string(message))
	if err != nil {
		return a, false, err
	}
	if a, err = order.ParseAnswer([]byte(reply), room, identity, asked); err != nil {
		return a, false, fmt.Errorf("the answer of %s: %w", words.Quote(identity), err)
	}
	how, err := c.home.CanAdd(a.Card)
	return a, err == nil && (how == keys.Known || how == keys.Approved), nil
}

// A strangerError is about a recorder whose card we have not pinned.
type strangerError struct{ card keys.Card }

func (e *strangerError) Error() string {
	return fmt.Sprintf("the recorder in the room is none that you pinned: it calls itself %s (%s)", words.Quote(e.card.Name), e.card.Fingerprint())
}
