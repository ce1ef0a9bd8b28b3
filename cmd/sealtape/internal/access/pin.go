package access

import (
	"errors"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// PinState says whether a card counts, for people.
func PinState(p keys.Pin) string {
	switch err := p.Live(time.Now()); {
	case errors.Is(err, keys.ErrRevoked):
		return strings.Replace(err.Error(), keys.ErrRevoked.Error(), "REVOKED", 1)
	case errors.Is(err, keys.ErrDoubted):
		return "NOT TRUSTED: what approved it was revoked or unpinned; compare its words"
	case errors.Is(err, keys.ErrReplaced):
		return "replaced by a newer key"
	case err != nil:
		return "expired on " + ui.Day(p.Expires)
	case !p.Expires.IsZero():
		return "until " + ui.Day(p.Expires)
	}
	return "counts"
}
