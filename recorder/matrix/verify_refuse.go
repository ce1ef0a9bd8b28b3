package matrix

import (
	"context"
	"net/http"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sas"
)

// sendVerification sends an event of a verification: into its room or to a device.
// It is not encrypted: what it says is public, and who could change it is found by
// comparing.
func (a *Account) sendVerification(ctx context.Context, room id.RoomID, user id.UserID, devices []id.DeviceID, s sas.Event) error {
	if room != "" {
		_, err := a.client.SendMessageEvent(ctx, room, s.Type(), s.Content)
		return err
	}
	to := make(map[id.DeviceID]any)
	for _, d := range devices {
		to[d] = s.Content
	}
	_, err := a.client.MakeRequest(ctx, http.MethodPut, a.client.BuildClientURL("v3", "sendToDevice", s.Type().Type, a.client.TxnID()),
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
	for _, e := range verifications(b) {
		own := sas.Party{User: r.a.state.User, Device: r.a.state.Device}
		if now := time.Now(); e.Asks(own) && e.Sender != but && e.Fresh(now) {
			r.refuse(ctx, own, e, now)
		}
	}
}

func (r *refuser) refuse(ctx context.Context, own sas.Party, e *sas.Incoming, now time.Time) {
	if now.Sub(r.since) > refusedTime {
		r.since, r.count = now, 0
	}
	if r.count++; r.count > maxRefusals {
		return
	}
	room, out := e.Refuse(own, "This recorder cannot be verified now: ask its operator to compare emoji with you.")
	if err := r.a.sendVerification(ctx, room, e.Sender, []id.DeviceID{e.From}, out); err != nil {
		if ctx.Err() == nil {
			r.a.log.Warn("could not refuse a verification", "user", e.Sender, "err", err)
		}
		return
	}
	r.a.log.Info("refused to be verified", "user", e.Sender)
}

// verifications returns what belongs to verifications in a batch, in order: that
// which came in rooms and is not encrypted, too, as clients send it so.
func verifications(b *Batch) []*sas.Incoming {
	var out []*sas.Incoming
	for _, m := range b.Messages {
		if e, ok := sas.FromDevice(m.Sender, m.Type, m.Content); ok {
			out = append(out, e)
		}
	}
	for _, room := range b.Rooms {
		if room.Left || room.Invited {
			continue
		}
		for _, r := range room.Timeline {
			if r.Event == nil {
				continue
			}
			if e, ok := sas.FromRoom(room.ID, r.Event, r.relates); ok {
				out = append(out, e)
			}
		}
	}
	return out
}
