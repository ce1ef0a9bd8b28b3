package access

import (
	"errors"

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
