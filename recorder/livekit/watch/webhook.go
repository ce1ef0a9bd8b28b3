package watch

import (
	"net/http"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/webhook"
)

// maxHook bounds what a webhook may say, in bytes.
const maxHook = 1 << 20

// Webhooks answers the server's webhooks, signed with the API key. What they say is where to
// look: a room is never believed to be as a webhook says. So it does no harm if one is
// repeated, late or lost.
func (w *Watcher) Webhooks(key, secret string) http.Handler {
	keys := auth.NewSimpleKeyProvider(key, secret)
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost {
			rw.Header().Set("Allow", http.MethodPost)
			http.Error(rw, "webhooks are POST requests", http.StatusMethodNotAllowed)
			return
		}
		if req.Header.Get("Authorization") == "" {
			w.counts.refusedHooks.Add(1)
			http.Error(rw, "not signed", http.StatusUnauthorized)
			return
		}
		req.Body = http.MaxBytesReader(rw, req.Body, maxHook)
		event, err := webhook.ReceiveWebhookEvent(req, keys)
		if err != nil {
			w.counts.refusedHooks.Add(1)
			w.c.Log.Debug("a webhook was refused", "err", err)
			http.Error(rw, "not signed by the API key", http.StatusUnauthorized)
			return
		}
		w.counts.hooks.Add(1)
		if w.concerns(event) {
			w.Look(event.GetRoom().GetName())
		}
		rw.WriteHeader(http.StatusOK)
	})
}

// concerns reports whether an event may change whether a room is to be recorded, or is.
func (w *Watcher) concerns(e *lkproto.WebhookEvent) bool {
	w.mu.Lock()
	k := w.known[e.GetRoom().GetName()]
	by := 0
	if k != nil && k.sid == e.GetRoom().GetSid() {
		by = k.by
	}
	w.mu.Unlock()
	switch e.GetEvent() {
	case webhook.EventRoomStarted:
		return true
	case webhook.EventParticipantJoined:
		return by != 1 // and not for each member of a room that is recorded
	case webhook.EventParticipantLeft, webhook.EventParticipantConnectionAborted:
		r := Room{Name: e.GetRoom().GetName()}
		p := e.GetParticipant()
		if p != nil {
			p.State = lkproto.ParticipantInfo_ACTIVE // as it was
			r.present([]*lkproto.ParticipantInfo{p})
		}
		return r.People == 0
	}
	return false
}
