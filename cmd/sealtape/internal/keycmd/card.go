package keycmd

import (
	"context"
	"errors"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// Values of --matrix that are no account.
const (
	matrixOwn  = "own"
	matrixNone = "none"
)

type cardOptions struct {
	outputOption
	matrix string

	account keys.MatrixAccount // what matrix says, but for own
}

func (o *cardOptions) Check() (err error) {
	if o.matrix == "" || o.matrix == matrixOwn || o.matrix == matrixNone {
		return nil
	}
	if o.account, err = keys.ParseMatrixAccount(o.matrix); err != nil {
		return ui.Hinted(ui.Misuse("--matrix: %w", err), "quote it, such as --matrix '@ada:example.org ed25519:KEY'; on a recorder, --matrix own")
	}
	return nil
}

func runCard(ctx context.Context, e *ui.Env, h *keys.Home, o *cardOptions) error {
	if o.matrix != "" {
		if err := o.setMatrix(ctx, e, h); err != nil {
			return err
		}
	}
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	b, err := card.Marshal()
	if err != nil {
		return err
	}
	written, err := o.writePublic(e, b)
	if err != nil {
		return err
	}
	access.WarnOwn(e, h)
	if !written {
		return nil
	}
	e.Notef("Your card is in %s. Read these words to whoever gets it: %s", o.output, card.Fingerprint())
	return nil
}

// setMatrix makes the card anew, with the account that was given.
func (o *cardOptions) setMatrix(ctx context.Context, e *ui.Env, h *keys.Home) error {
	if err := access.Unrevoked(h); err != nil {
		return err
	}
	before, err := h.OwnCard()
	if err != nil {
		return err
	}
	if o.matrix != matrixOwn && before.Matrix == o.account {
		return nil // it says so already
	}
	id, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return err
	}
	if o.matrix == matrixOwn {
		if o.account, err = access.OwnMatrix(h, id, ""); err != nil {
			return err
		}
		if before.Matrix == o.account {
			return nil
		}
	}
	if err := nextSecond(ctx, before.Created); err != nil {
		return err
	}
	if _, err := h.SetMatrix(id, o.account); err != nil {
		return err
	}
	switch {
	case o.account == (keys.MatrixAccount{}):
		e.Notef("Your card names no Matrix account any more. Its words stay the same.")
	default:
		e.Notef("Your card says now that you are %s in Matrix. Its words stay the same; the others take it by \"sealtape keys add\".", o.account.User)
	}
	if n := len(before.Approvers()); n > 0 {
		e.Warnf("the new card lacks the %s that the old one had: have it approved again", ui.Count(n, "approval"))
	}
	return nil
}

// nextSecond waits until a card can be made that is younger than one of t, whose time is
// in whole seconds.
func nextSecond(ctx context.Context, t time.Time) error {
	wait := time.Until(t.Add(time.Second))
	if wait <= 0 {
		return nil
	}
	if wait > 2*time.Second {
		return ui.Hinted(errors.New("your card was made later than now, by another clock"), "set this machine's clock")
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// matrixText is how a card's owner is known in Matrix, for people.
func matrixText(c keys.Card) string {
	if c.Matrix == (keys.MatrixAccount{}) {
		return "-"
	}
	return ui.Clean(c.Matrix.String())
}
