package matrix

import (
	"context"
	"errors"
	"net/http"
	"time"

	"maunium.net/go/mautrix"
)

// ErrNotConfirmed says that nobody confirmed on the homeserver's page, in time, that
// cross-signing keys may be published.
var ErrNotConfirmed = errors.New("nobody confirmed on the homeserver's page that cross-signing keys may be published")

// How long it may take to confirm it, and how often the homeserver is asked whether it was.
const (
	confirmTime  = 10 * time.Minute
	confirmEvery = 2 * time.Second
)

// confirmed makes a request that somebody confirms on a page meanwhile ("Fallback" of
// the user-interactive authentication API): until then the homeserver answers that it
// was not.
func (a *Account) confirmed(ctx context.Context, params mautrix.FullRequest) error {
	ctx, cancel := context.WithTimeoutCause(ctx, confirmTime, ErrNotConfirmed)
	defer cancel()
	tick := time.NewTicker(confirmEvery)
	defer tick.Stop()
	for {
		_, err := a.client.MakeFullRequest(ctx, params)
		e, ok := errors.AsType[mautrix.HTTPError](err)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !ok || !e.IsStatus(http.StatusUnauthorized) || errors.Is(err, mautrix.MUnknownToken) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
