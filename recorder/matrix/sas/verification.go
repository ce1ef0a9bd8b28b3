package sas

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// The events of a verification, without what they all begin with.
const (
	prefix      = "m.key.verification."
	kindRequest = "request"
	kindReady   = "ready"
	kindStart   = "start"
	kindAccept  = "accept"
	kindKey     = "key"
	kindMAC     = "mac"
	kindDone    = "done"
	kindCancel  = "cancel"
)

// Lasts is how long a verification may take.
const Lasts = 10 * time.Minute

// startAfter is how long the side that was asked waits for the other to start, which
// clients do at once.
const startAfter = 5 * time.Second

// Bounds of what a verification's events may say.
const (
	maxContent  = 16 << 10 // bytes of content
	maxMACs     = 20       // keys that codes are sent of
	maxRepeated = 50       // events that came before, and are passed over
)

// A phase is how far a verification is.
type phase int

const (
	phaseAsked    phase = iota // one side asked
	phaseReady                 // the other agreed; one of them starts
	phaseStarted               // we started
	phaseAccepted              // we accepted their start: their key comes first
	phaseKeys                  // they accepted our start; both send keys
	phaseCompare               // both have keys: people compare
	phaseProved                // both sides confirmed, and the codes are right
	phaseDone
	phaseOver // without a result
)

// An Event is what a verification wants to be sent to the other side.
type Event struct {
	kind    string
	Content map[string]any
}

// Type returns the event's type.
func (e Event) Type() event.Type {
	return event.Type{Type: prefix + e.kind, Class: event.MessageEventType}
}

// A Verification is one, as this device sees it. One goroutine at a time may use it.
type Verification struct {
	room        id.RoomID // "" if it goes from device to device
	transaction string
	own, other  Party // other.Device is "" until one of the other's devices answered
	asked       bool  // by us
	until       time.Time

	phase   phase
	readyAt time.Time
	err     *Cancelled

	x       *exchange
	ours    bool            // our start counts
	start   json.RawMessage // the one that counts
	promise string          // commitment of the side that accepted, if we started
	emoji   bool            // both can show them
	theirs  string          // their key
	shown   Shown

	confirmed bool // by our operator
	proved    bool // the other side's codes came, and are right
	master    bool // their master key is among them
	ended     bool // they said done

	repeated []string
}

// New returns one that we asked for, by Request or RequestInRoom, if asked; else Accept
// returns one that they asked for. In a room, the transaction is the ID of the event that
// asked; from device to device, room is "". The other's device is not known yet: see With.
func New(own, other Party, room id.RoomID, transaction string, asked bool, now time.Time) (*Verification, error) {
	x, err := newExchange()
	if err != nil {
		return nil, err
	}
	return &Verification{own: own, other: other, room: room, transaction: transaction, asked: asked, until: now.Add(Lasts), x: x}, nil
}

// With says which of their devices it is with, and that device's key, before what that
// device sent is taken in.
func (v *Verification) With(device id.DeviceID, signing id.Ed25519) {
	v.other.Device, v.other.Signing = device, signing
}

// Room returns the room that it goes on in, "" if it goes from device to device.
func (v *Verification) Room() id.RoomID { return v.room }

// Device returns which of their devices it is with, "" if none answered yet.
func (v *Verification) Device() id.DeviceID { return v.other.Device }

// Has reports whether an event belongs to it.
func (v *Verification) Has(e *Incoming) bool {
	return e.room == v.room && e.transaction == v.transaction
}

// Unanswered reports whether we asked, and none of their devices agreed yet.
func (v *Verification) Unanswered() bool { return v.phase == phaseAsked && v.asked }

// Comparing reports whether people may compare what Shown returns.
func (v *Verification) Comparing() bool { return v.phase == phaseCompare }

// Shown returns what is to be compared.
func (v *Verification) Shown() Shown { return v.shown }

// Confirmed reports whether our operator saw the same.
func (v *Verification) Confirmed() bool { return v.confirmed }

// Proved reports whether both sides confirmed, and the other's master key is the one that
// was named in New: it is to be signed, and Finish to be called.
func (v *Verification) Proved() bool { return v.phase == phaseProved }

// Finished reports whether Finish was called, and whether they said so, too.
func (v *Verification) Finished() (ours, theirs bool) { return v.phase == phaseDone, v.ended }

// Err returns why it is over without a result, a *Cancelled, or nil.
func (v *Verification) Err() error {
	if v.phase != phaseOver {
		return nil
	}
	return v.err
}

// Elsewhere says that another device of our own user answered them.
func (v *Verification) Elsewhere() { v.phase, v.err = phaseOver, cancelled(CancelAccepted, true) }

// Taken returns what tells the other devices that were asked that one of theirs agreed.
func (v *Verification) Taken() Event {
	return v.say(kindCancel, map[string]any{"code": string(CancelAccepted), "reason": cancels[CancelAccepted].reason})
}

// say makes an event of the verification.
func (v *Verification) say(kind string, content map[string]any) Event {
	if v.room != "" {
		content["m.relates_to"] = map[string]any{"rel_type": "m.reference", "event_id": v.transaction}
	} else {
		content["transaction_id"] = v.transaction
	}
	return Event{kind, content}
}

// Agree answers their request.
func (v *Verification) Agree(now time.Time) []Event {
	if v.phase != phaseAsked || v.asked {
		return nil
	}
	v.phase, v.readyAt = phaseReady, now
	return []Event{v.say(kindReady, map[string]any{"from_device": v.own.Device, "methods": []string{sasMethod}})}
}

// begin starts it.
func (v *Verification) begin() []Event {
	if v.phase != phaseReady {
		return nil
	}
	out := v.say(kindStart, map[string]any{"from_device": v.own.Device, "method": sasMethod,
		"key_agreement_protocols": []string{sasAgreement}, "hashes": []string{sasHash}, "message_authentication_codes": []string{sasMAC},
		"short_authentication_string": []string{sasDecimal, sasEmoji}})
	raw, err := json.Marshal(out.Content)
	if err != nil {
		return v.Cancel(CancelInvalid)
	}
	v.phase, v.ours, v.start = phaseStarted, true, raw
	return []Event{out}
}

// Tick says what time it is. It is to be called about once a second.
func (v *Verification) Tick(now time.Time) []Event {
	switch {
	case v.phase >= phaseDone:
		return nil
	case now.After(v.until):
		return v.Cancel(cancelTimeout)
	case v.phase == phaseReady && (v.asked || now.Sub(v.readyAt) >= startAfter):
		return v.begin()
	}
	return nil
}

// Compared says whether the operator saw the same.
func (v *Verification) Compared(match bool) []Event {
	if v.phase != phaseCompare || v.confirmed {
		return nil
	}
	if !match {
		return v.Cancel(cancelSAS)
	}
	codes, list, err := v.x.macs(v.own, v.other, v.transaction)
	if err != nil {
		return v.Cancel(CancelInvalid)
	}
	v.confirmed = true
	if v.proved {
		v.phase = phaseProved
	}
	return []Event{v.say(kindMAC, map[string]any{"mac": codes, "keys": list})}
}

// Finish says that the other's key was signed.
func (v *Verification) Finish() []Event {
	if v.phase != phaseProved {
		return nil
	}
	v.phase = phaseDone
	return []Event{v.say(kindDone, map[string]any{})}
}

// Cancel ends it without a result.
func (v *Verification) Cancel(code CancelCode) []Event {
	if v.phase >= phaseDone {
		return nil
	}
	v.phase, v.err = phaseOver, cancelled(code, false)
	return []Event{v.say(kindCancel, map[string]any{"code": string(code), "reason": cancels[code].reason})}
}

// Take takes in an event that belongs to it (Has), and that their user sent. Who asks anew is
// none of these.
func (v *Verification) Take(e *Incoming, now time.Time) []Event {
	return v.take(e.kind, e.content, now)
}

// take takes in what the other side's user sent in this verification.
func (v *Verification) take(kind string, raw json.RawMessage, now time.Time) []Event {
	if v.phase == phaseOver {
		return nil
	}
	// The homeserver may deliver twice what it should once.
	if same := kind + string(raw); slices.Contains(v.repeated, same) {
		return nil
	} else {
		v.repeated = append(v.repeated[max(0, len(v.repeated)-maxRepeated+1):], same)
	}
	if len(raw) > maxContent {
		return v.Cancel(CancelInvalid)
	}
	var c content
	if json.Unmarshal(raw, &c) != nil {
		return v.Cancel(CancelInvalid)
	}
	if kind == kindCancel {
		if v.phase == phaseDone {
			v.ended = true // what was proved stays so
			return nil
		}
		v.phase, v.err = phaseOver, cancelled(CancelCode(c.Code), true)
		return nil
	}
	switch {
	case kind == kindReady && v.phase == phaseAsked && v.asked:
		return v.takeReady(c, now)
	case kind == kindReady && v.asked && c.From != v.other.Device:
		return nil // a second device of theirs, which will see that it was not first
	case kind == kindStart && (v.phase == phaseReady || v.phase == phaseStarted):
		return v.takeStart(c, raw)
	case kind == kindAccept && v.phase == phaseStarted:
		return v.takeAccept(c)
	case kind == kindKey && (v.phase == phaseAccepted || v.phase == phaseKeys):
		return v.takeKey(c)
	case kind == kindMAC && v.phase == phaseCompare && !v.proved:
		return v.takeMAC(c)
	case kind == kindDone && (v.phase == phaseProved || v.phase == phaseDone || v.phase == phaseCompare && v.proved):
		v.ended = true
		return nil
	}
	return v.Cancel(cancelUnexpected)
}

// content is what the events of a verification have.
type content struct {
	From    id.DeviceID `json:"from_device"`
	Methods []string    `json:"methods"`
	Method  string      `json:"method"`

	Agreements []string `json:"key_agreement_protocols"` // of start; of accept, without s
	Hashes     []string `json:"hashes"`
	MACs       []string `json:"message_authentication_codes"`
	Shows      []string `json:"short_authentication_string"`
	Agreement  string   `json:"key_agreement_protocol"`
	Hash       string   `json:"hash"`
	MACMethod  string   `json:"message_authentication_code"`
	Commitment string   `json:"commitment"`

	Key  string            `json:"key"`
	Code string            `json:"code"`
	MAC  map[string]string `json:"mac"`
	Keys string            `json:"keys"`
}

func (v *Verification) takeReady(c content, now time.Time) []Event {
	if c.From == "" || c.From != v.other.Device { // whoever has v filled in the device
		return v.Cancel(CancelInvalid)
	}
	if !slices.Contains(c.Methods, sasMethod) {
		return v.Cancel(CancelMethod)
	}
	v.phase, v.readyAt = phaseReady, now
	return v.begin()
}

func (v *Verification) takeStart(c content, raw json.RawMessage) []Event {
	if c.From != v.other.Device {
		return v.Cancel(cancelUnexpected)
	}
	if v.phase == phaseStarted {
		// Both started at once: that of the lesser user counts, then of the device.
		if c.Method != sasMethod {
			return v.Cancel(cancelUnexpected)
		}
		if lesser(v.own, v.other) {
			return nil
		}
	}
	switch {
	case c.Method != sasMethod, !slices.Contains(c.Agreements, sasAgreement), !slices.Contains(c.Hashes, sasHash), !slices.Contains(c.MACs, sasMAC),
		!slices.Contains(c.Shows, sasDecimal):
		return v.Cancel(CancelMethod)
	}
	v.ours, v.start, v.emoji = false, slices.Clone(raw), slices.Contains(c.Shows, sasEmoji)
	promise, err := commitment(v.x.public(), v.start)
	if err != nil {
		return v.Cancel(CancelInvalid)
	}
	shows := []string{sasDecimal}
	if v.emoji {
		shows = append(shows, sasEmoji)
	}
	v.phase = phaseAccepted
	return []Event{v.say(kindAccept, map[string]any{"method": sasMethod, "key_agreement_protocol": sasAgreement, "hash": sasHash,
		"message_authentication_code": sasMAC, "short_authentication_string": shows, "commitment": promise})}
}

func lesser(a, b Party) bool {
	if a.User != b.User {
		return a.User < b.User
	}
	return a.Device < b.Device
}

func (v *Verification) takeAccept(c content) []Event {
	if c.Agreement != sasAgreement || c.Hash != sasHash || c.MACMethod != sasMAC || len(c.Shows) == 0 || c.Commitment == "" {
		return v.Cancel(CancelMethod)
	}
	v.promise, v.emoji = c.Commitment, slices.Contains(c.Shows, sasEmoji)
	v.phase = phaseKeys
	return []Event{v.say(kindKey, map[string]any{"key": v.x.public()})}
}

func (v *Verification) takeKey(c content) (out []Event) {
	if v.ours {
		promise, err := commitment(c.Key, v.start)
		if err != nil || !same(promise, v.promise) {
			return v.Cancel(cancelCommitment)
		}
	}
	if v.x.agree(c.Key) != nil {
		return v.Cancel(CancelInvalid)
	}
	v.theirs = c.Key
	var err error
	if v.ours {
		v.shown, err = v.x.sas(v.own, v.other, v.x.public(), v.theirs, v.transaction)
	} else {
		out = []Event{v.say(kindKey, map[string]any{"key": v.x.public()})}
		v.shown, err = v.x.sas(v.other, v.own, v.theirs, v.x.public(), v.transaction)
	}
	if err != nil {
		return v.Cancel(CancelInvalid)
	}
	if !v.emoji {
		v.shown.Emoji = nil
	}
	v.phase = phaseCompare
	return out
}

func (v *Verification) takeMAC(c content) []Event {
	if len(c.MAC) > maxMACs {
		return v.Cancel(CancelInvalid)
	}
	for name := range c.MAC {
		if strings.Contains(name, ",") {
			return v.Cancel(CancelInvalid)
		}
	}
	master, err := v.x.check(v.other, v.own, v.transaction, c.MAC, c.Keys)
	if err != nil {
		return v.Cancel(CancelKeys)
	}
	if !master {
		out := v.Cancel(CancelKeys)
		v.err.err = ErrUnvouched
		return out
	}
	v.proved, v.master = true, master
	if v.confirmed {
		v.phase = phaseProved
	}
	return nil
}
