package keycmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// confirmMatrix has someone confirm that a person who is known already has the Matrix
// account that a card of theirs names from now on. Who could name another's would read what
// is recorded for that one.
func (o *addOptions) confirmMatrix(ctx context.Context, e *ui.Env, pins []keys.Pin, card keys.Card) error {
	if o.yes {
		return nil
	}
	name := ui.Clean(card.Name)
	before := "Their pinned card names none."
	if was := accountsOf(pins, card.Name); len(was) > 0 {
		before = "Pinned is " + strings.Join(was, ", ") + "."
	}
	yes, err := e.Confirm(ctx, fmt.Sprintf("This card of %s says that in Matrix they are\n\n    %s\n\n%s Did they tell you so, by another way than this card came?", name, matrixText(card), before))
	if errors.Is(err, terminal.ErrNone) {
		return ui.Hinted(fmt.Errorf("the card of %s names another Matrix account than before, %s; that must be confirmed, and %w", name, matrixText(card), err),
			"ask them, and not by the way this card came; who names another's account reads what is recorded for that one", "sealtape keys add --yes FILE")
	}
	if err == nil && !yes {
		err = ui.Hinted(fmt.Errorf("the card of %s was not pinned", name), "ask them which account is theirs; what was pinned stays")
	}
	return err
}

// accountsOf returns the accounts that cards of a name that count name, for people.
func accountsOf(pins []keys.Pin, name string) (all []string) {
	for _, p := range pins {
		if p.Matrix != (keys.MatrixAccount{}) && keys.SameName(p.Name, name) && p.Live(time.Now()) == nil {
			all = append(all, matrixText(p.Card))
		}
	}
	return all
}

// tellMatrix says how the owner of a card that was just pinned is known in Matrix.
func tellMatrix(e *ui.Env, h *keys.Home, card keys.Card) {
	e.Notef("In Matrix they are %s", matrixText(card))
	pins, err := h.Pins()
	if err != nil {
		return // the command did what it was to do
	}
	if _, _, err := keys.MatrixPerson(pins, card.Matrix.User, time.Now()); errors.Is(err, keys.ErrMatrixTaken) {
		e.Warnf("%v: in calls nobody is taken for that user until they agree", err)
	}
}
