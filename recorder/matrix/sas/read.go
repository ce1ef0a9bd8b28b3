package sas

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// maxID bounds the IDs that events have, in bytes.
const maxID = 255

// An Incoming is an event of a verification that came, in a room or from device to
// device.
type Incoming struct {
	Sender id.UserID
	From   id.DeviceID // of what asks, agrees or starts
	// Emoji says of what asks that emoji are among what it offers.
	Emoji bool

	room        id.RoomID // "" from device to device
	transaction string    // of an event in a room, the ID of the request
	kind        string    // request, ready, ...
	content     json.RawMessage
	at          time.Time // of a request: when it was made, by its sender or the homeserver
	to          id.UserID // of a request in a room
}

// envelope is what tells which verification an event belongs to.
type envelope struct {
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

// FromDevice reads a to-device event, encrypted or not, and reports whether it
// belongs to a verification.
func FromDevice(sender id.UserID, kind string, content json.RawMessage) (*Incoming, bool) {
	kind, ok := strings.CutPrefix(kind, prefix)
	var v envelope
	if !ok || kind == "" || len(content) > maxContent || json.Unmarshal(content, &v) != nil || v.Transaction == "" || len(v.Transaction) > maxID || len(v.From) > maxID {
		return nil, false
	}
	e := &Incoming{Sender: sender, transaction: v.Transaction, kind: kind, content: content, From: v.From, Emoji: slices.Contains(v.Methods, sasMethod)}
	if ms, err := v.Timestamp.Int64(); err == nil {
		e.at = time.UnixMilli(ms)
	}
	return e, true
}

// FromRoom reads an event of a room's timeline, and reports whether it belongs to a
// verification. Clients send these in the clear, also in encrypted rooms. relates is
// what stands outside of what is encrypted, m.relates_to, if it came so: a lie about
// that ends the verification, and no more.
func FromRoom(room id.RoomID, r *event.Event, relates json.RawMessage) (*Incoming, bool) {
	raw := r.Content.VeryRaw
	if r.StateKey != nil || len(raw) > maxContent || len(r.ID) > maxID || len(r.Sender) > maxID {
		return nil, false
	}
	kind, ok := strings.CutPrefix(r.Type.Type, prefix)
	if !ok && r.Type.Type != event.EventMessage.Type {
		return nil, false
	}
	var v envelope
	if json.Unmarshal(raw, &v) != nil || len(v.From) > maxID {
		return nil, false
	}
	e := &Incoming{Sender: r.Sender, room: room, kind: kind, content: raw, From: v.From, at: time.UnixMilli(r.Timestamp)}
	switch {
	case !ok && v.MsgType == prefix+kindRequest:
		e.kind, e.transaction, e.to, e.Emoji = kindRequest, string(r.ID), v.To, slices.Contains(v.Methods, sasMethod)
	case ok && kind != "" && kind != kindRequest:
		if v.Relates.Event == "" && len(relates) > 0 {
			var fields map[string]json.RawMessage
			if json.Unmarshal(relates, &v.Relates) != nil || json.Unmarshal(raw, &fields) != nil || fields == nil {
				return nil, false
			}
			// The other side's promise is of a content that has it.
			fields["m.relates_to"] = relates
			if e.content, _ = json.Marshal(fields); e.content == nil {
				return nil, false
			}
		}
		if v.Relates.Type == "m.reference" {
			e.transaction = string(v.Relates.Event)
		}
	}
	return e, e.transaction != "" && len(e.transaction) <= maxID
}

// Asks reports whether it asks a device for a verification.
func (e *Incoming) Asks(own Party) bool {
	if e.kind != kindRequest || e.From == "" || e.Sender == own.User && e.From == own.Device {
		return false
	}
	return e.room == "" || e.to == own.User && e.Sender != own.User
}

// Agrees reports whether it says that a device takes part.
func (e *Incoming) Agrees() bool { return e.kind == kindReady }

// Answers reports whether it agrees or starts, as only the device does that goes on.
func (e *Incoming) Answers() bool { return e.kind == kindReady || e.kind == kindStart }

// Cancels reports whether it takes a request back.
func (e *Incoming) Cancels(request *Incoming) bool {
	return e.kind == kindCancel && e.Sender == request.Sender && e.room == request.room && e.transaction == request.transaction
}

// Fresh reports whether a request is young enough to be answered.
func (e *Incoming) Fresh(now time.Time) bool {
	return e.at.After(now.Add(-Lasts)) && e.at.Before(now.Add(Lasts/2))
}

// Accept begins the verification that e asks for. Its Other has no device yet: see With.
func (e *Incoming) Accept(own, other Party, now time.Time) (*Verification, error) {
	return New(own, other, e.room, e.transaction, false, now)
}

// Refuse returns what tells them that it cannot be now, and where it is to be sent. The
// reason may be shown to them.
func (e *Incoming) Refuse(own Party, reason string) (room id.RoomID, out Event) {
	v := &Verification{room: e.room, transaction: e.transaction, own: own}
	out = v.Cancel(CancelUser)[0]
	out.Content["reason"] = reason
	return e.room, out
}

// Request returns what asks a user's devices, from device to device, under a transaction
// ID of 1 to 255 bytes that was not used before.
func Request(own Party, transaction string, now time.Time) Event {
	return Event{kindRequest, map[string]any{"from_device": own.Device, "methods": []string{sasMethod}, "transaction_id": transaction, "timestamp": now.UnixMilli()}}
}

// RequestInRoom returns the content of an m.room.message that asks a user. The event's ID
// is the transaction's.
func RequestInRoom(own Party, to id.UserID) map[string]any {
	return map[string]any{"from_device": own.Device, "methods": []string{sasMethod}, "msgtype": prefix + kindRequest, "to": to,
		"body": string(own.User) + " asks to compare emoji, which your client does not support."}
}
