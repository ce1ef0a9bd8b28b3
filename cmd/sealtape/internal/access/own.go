package access

import (
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
)

// OwnCounts returns why one's own card does not count, with what helps, or nil if it
// counts, or if there is none.
func OwnCounts(h *keys.Home) error {
	err := bot.CheckCard(h)
	if !errors.Is(err, bot.ErrOwnCard) {
		return err
	}
	return ui.WithHints(err, ui.OwnHint(err))
}

// Unrevoked returns the error of ownCounts if one's own key was revoked: nobody
// believes what it signs any more, whenever that says it was.
func Unrevoked(h *keys.Home) error {
	if err := OwnCounts(h); errors.Is(err, keys.ErrRevoked) {
		return err
	}
	return nil
}

// WarnOwn warns of an own card that does not count.
func WarnOwn(e *ui.Env, h *keys.Home) {
	err := OwnCounts(h)
	if err == nil {
		return
	}
	_, hints := ui.Explain(err)
	e.Warnf("%v; %s", err, hints[0])
}

// PeopleOf returns what turns the names of keys into the names on pinned cards.
func PeopleOf(h *keys.Home) (func(keyNames []string) []string, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	return func(keyNames []string) []string {
		var names []string
		for _, n := range keyNames {
			for _, p := range pins {
				if p.Verifier().Name() == n {
					n = fmt.Sprintf("%s (%s)", ui.Clean(p.Name), p.Fingerprint())
					break
				}
			}
			names = append(names, n)
		}
		return names
	}, nil
}
