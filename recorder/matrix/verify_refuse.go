package matrix

import (
	"context"
	"net/http"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// sendVerification sends an event of a verification: into its room or to a device.
// It is not encrypted: what it says is public, and who could change it is found by
// comparing.
func (a *Account) sendVerification(ctx context.Context, room id.RoomID, user id.UserID, devices []id.DeviceID, s said) error {
	if room != "" {
		_, err := a.client.SendMessageEvent(ctx, room, event.Type{Type: verifyPrefix + s.kind, Class: event.MessageEventType}, s.content)
		return err
	}
	to := make(map[id.DeviceID]any)
	for _, d := range devices {
		to[d] = s.content
	}
	_, err := a.client.MakeRequest(ctx, http.MethodPut, a.client.BuildClientURL("v3", "sendToDevice", verifyPrefix+s.kind, a.client.TxnID()),
		map[string]any{"messages": map[id.UserID]any{user: to}}, nil)
	return err
}

// How many requests for verification are refused in which time; more are passed
// over.
const (
	maxRefusals = 20
	refusedTime = time.Minute
)

// A refuser tells those who want to verify this device, while nobody is there to
// compare, that it cannot be: else their client waits for ten minutes.
type refuser struct {
	a     *Account
	since time.Time
	count int
}

// take refuses the requests in a batch, but those of a user who is to be verified.
func (r *refuser) take(ctx context.Context, b *Batch, but id.UserID) {
	for _, e := range verifyEvents(b) {
		own := party{User: r.a.state.User, Device: r.a.state.Device}
		if now := time.Now(); e.asks(own) && e.sender != but && e.fresh(now) {
			r.refuse(ctx, own, e, now)
		}
	}
}

func (r *refuser) refuse(ctx context.Context, own party, e verifyEvent, now time.Time) {
	if now.Sub(r.since) > refusedTime {
		r.since, r.count = now, 0
	}
	if r.count++; r.count > maxRefusals {
		return
	}
	v := &verification{room: e.room, transaction: e.transaction, own: own}
	out := v.cancel(cancelUser)
	out[0].content["reason"] = "This recorder cannot be verified now: ask its operator to compare emoji with you."
	if err := r.a.sendVerification(ctx, e.room, e.sender, []id.DeviceID{e.from}, out[0]); err != nil {
		if ctx.Err() == nil {
			r.a.log.Warn("could not refuse a verification", "user", e.sender, "err", err)
		}
		return
	}
	r.a.log.Info("refused to be verified", "user", e.sender)
}

// asks reports whether an event asks this device for a verification.
func (e *verifyEvent) asks(own party) bool {
	if e.kind != verifyRequest || e.from == "" || e.sender == own.User && e.from == own.Device {
		return false
	}
	return e.room == "" || e.to == own.User && e.sender != own.User
}
