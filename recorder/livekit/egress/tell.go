package egress

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/utils/guid"
	"github.com/livekit/protocol/webhook"
)

// A Teller sends an application webhooks as a LiveKit server does: signed with the API key,
// in order for each egress, and again if they do not arrive. What was not sent when the
// process ends is lost.
type Teller struct {
	notifier webhook.QueuedNotifier
	log      *slog.Logger
}

// NewTeller returns a Teller for these addresses, which Close ends.
func NewTeller(key, secret string, urls []string, log *slog.Logger) (*Teller, error) {
	webhook.InitWebhookStats(nil) // it counts, and only once where many call this
	c := webhook.DefaultWebHookConfig
	c.APIKey, c.URLs = key, urls
	n, err := webhook.NewDefaultNotifier(c, auth.NewSimpleKeyProvider(key, secret))
	if err != nil {
		return nil, err
	}
	return &Teller{n, cmp.Or(log, slog.New(slog.DiscardHandler))}, nil
}

// Tell queues an event. It does not wait.
func (t *Teller) Tell(ctx context.Context, e *lkproto.WebhookEvent) {
	e.Id, e.CreatedAt = guid.New("EV_"), time.Now().Unix()
	if err := t.notifier.QueueNotify(context.WithoutCancel(ctx), e); err != nil {
		t.log.Warn("an application was not told of a recording", "event", e.GetEvent(), "err", err)
	}
}

// Close ends it, and drops what waits to be sent again.
func (t *Teller) Close() { t.notifier.Stop(true) }
