package matrix

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// A verifyEvent is an event of a verification, in a room or from device to device.
type verifyEvent struct {
	sender      id.UserID
	room        id.RoomID // "" from device to device
	transaction string    // of an event in a room, the ID of the request
	kind        string    // request, ready, ...
	content     json.RawMessage
	at          time.Time   // of a request: when it was made, by its sender or the homeserver
	from        id.DeviceID // of request, ready and start
	to          id.UserID   // of a request in a room
	sas         bool        // of a request: emoji are among what it offers
}

// verifyEvents returns what belongs to verifications in a batch, in order: that
// which came in rooms and is not encrypted, too, as clients send it so.
func verifyEvents(b *Batch) []verifyEvent {
	var out []verifyEvent
	for _, m := range b.Messages {
		if e, ok := toDeviceVerification(m); ok {
			out = append(out, e)
		}
	}
	for _, room := range b.Rooms {
		if room.Left || room.Invited {
			continue
		}
		for _, r := range room.Timeline {
			if r.Event == nil || r.StateKey != nil {
				continue
			}
			if e, ok := roomVerification(room.ID, r); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

// verifyEnvelope is what tells which verification an event belongs to.
type verifyEnvelope struct {
	Transaction string `json:"transaction_id"`
	Relates     struct {
		Type  string     `json:"rel_type"`
		Event id.EventID `json:"event_id"`
	} `json:"m.relates_to"`
	MsgType   string      `json:"msgtype"`
	To        id.UserID   `json:"to"`
	From      id.DeviceID `json:"from_device"`
	Methods   []string    `json:"methods"`
	Timestamp json.Number `json:"timestamp"`
}

func toDeviceVerification(m Message) (verifyEvent, bool) {
	kind, ok := strings.CutPrefix(m.Type, verifyPrefix)
	var v verifyEnvelope
	if !ok || kind == "" || len(m.Content) > maxVerify || json.Unmarshal(m.Content, &v) != nil || v.Transaction == "" || len(v.Transaction) > maxName || len(v.From) > maxName {
		return verifyEvent{}, false
	}
	e := verifyEvent{sender: m.Sender, transaction: v.Transaction, kind: kind, content: m.Content, from: v.From, sas: slices.Contains(v.Methods, sasMethod)}
	if ms, err := v.Timestamp.Int64(); err == nil {
		e.at = time.UnixMilli(ms)
	}
	return e, true
}

// roomVerification reads an event of a room. Which verification it belongs to may
// stand outside of what is encrypted: a lie about that ends the verification, and
// no more.
func roomVerification(room id.RoomID, r RoomEvent) (verifyEvent, bool) {
	raw := r.Content.VeryRaw
	if len(raw) > maxVerify || len(r.ID) > maxName || len(r.Sender) > maxName {
		return verifyEvent{}, false
	}
	kind, ok := strings.CutPrefix(r.Type.Type, verifyPrefix)
	if !ok && r.Type.Type != event.EventMessage.Type {
		return verifyEvent{}, false
	}
	var v verifyEnvelope
	if json.Unmarshal(raw, &v) != nil || len(v.From) > maxName {
		return verifyEvent{}, false
	}
	e := verifyEvent{sender: r.Sender, room: room, kind: kind, content: raw, from: v.From, at: time.UnixMilli(r.Timestamp)}
	switch {
	case !ok && v.MsgType == verifyPrefix+verifyRequest:
		e.kind, e.transaction, e.to, e.sas = verifyRequest, string(r.ID), v.To, slices.Contains(v.Methods, sasMethod)
	case ok && kind != "" && kind != verifyRequest:
		if v.Relates.Event == "" && len(r.relates) > 0 {
			var fields map[string]json.RawMessage
			if json.Unmarshal(r.relates, &v.Relates) != nil || json.Unmarshal(raw, &fields) != nil || fields == nil {
				return verifyEvent{}, false
			}
			// The other side's promise is of a content that has it.
			fields["m.relates_to"] = r.relates
			if e.content, _ = json.Marshal(fields); e.content == nil {
				return verifyEvent{}, false
			}
		}
		if v.Relates.Type == "m.reference" {
			e.transaction = string(v.Relates.Event)
		}
	}
	return e, e.transaction != "" && len(e.transaction) <= maxName
}

// fresh reports whether a request is young enough to be answered.
func (e *verifyEvent) fresh(now time.Time) bool {
	return e.at.After(now.Add(-verifyTime)) && e.at.Before(now.Add(verifyTime/2))
}

// requestContent is that of a request, to a user in a room or to their devices.
func requestContent(own party, to id.UserID, room id.RoomID, transaction string, now time.Time) map[string]any {
	c := map[string]any{"from_device": own.Device, "methods": []string{sasMethod}}
	if room == "" {
		c["transaction_id"], c["timestamp"] = transaction, now.UnixMilli()
		return c
	}
	c["msgtype"], c["to"] = verifyPrefix+verifyRequest, to
	c["body"] = string(own.User) + " asks to compare emoji, which your client does not support."
	return c
}
