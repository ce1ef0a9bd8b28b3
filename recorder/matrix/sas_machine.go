package matrix

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/id"
)

// The events of a verification, without what they all begin with.
const (
	verifyPrefix  = "m.key.verification."
	verifyRequest = "request"
	verifyReady   = "ready"
	verifyStart   = "start"
	verifyAccept  = "accept"
	verifyKey     = "key"
	verifyMAC     = "mac"
	verifyDone    = "done"
	verifyCancel  = "cancel"
)

// How long a verification may take, and how long the side that was asked waits for
// the other to start, which clients do at once.
const (
	verifyTime = 10 * time.Minute
	startAfter = 5 * time.Second
)

// Bounds of what a verification's events may say.
const (
	maxVerify   = 16 << 10 // bytes of content
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

// A said is an event that a verification wants to be sent to the other side.
type said struct {
	kind    string
	content map[string]any
}

// A verification is one, as this device sees it: a state machine that sends nothing
// and asks nobody. Whoever has it gives it what came, and sends what it returns.
type verification struct {
	room        id.RoomID // "" if it goes from device to device
	transaction string
	own, other  party // other.Device is "" until one of the other's devices answered
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
	sas     SAS

	confirmed bool // by our operator
	proved    bool // the other side's codes came, and are right
	master    bool // their master key is among them
	ended     bool // they said done

	repeated []string
}

// newVerification begins one that either side asked for.
func newVerification(own, other party, room id.RoomID, transaction string, asked bool, now time.Time) (*verification, error) {
	x, err := newExchange()
	if err != nil {
		return nil, err
	}
	return &verification{own: own, other: other, room: room, transaction: transaction, asked: asked, until: now.Add(verifyTime), x: x}, nil
}

// say makes an event of the verification.
func (v *verification) say(kind string, content map[string]any) said {
	if v.room != "" {
		content["m.relates_to"] = map[string]any{"rel_type": "m.reference", "event_id": v.transaction}
	} else {
		content["transaction_id"] = v.transaction
	}
	return said{kind, content}
}

// agree answers their request.
func (v *verification) agree(now time.Time) []said {
	if v.phase != phaseAsked || v.asked {
		return nil
	}
	v.phase, v.readyAt = phaseReady, now
	return []said{v.say(verifyReady, map[string]any{"from_device": v.own.Device, "methods": []string{sasMethod}})}
}

// begin starts it.
func (v *verification) begin() []said {
	if v.phase != phaseReady {
		return nil
	}
	out := v.say(verifyStart, map[string]any{"from_device": v.own.Device, "method": sasMethod,
		"key_agreement_protocols": []string{sasAgreement}, "hashes": []string{sasHash}, "message_authentication_codes": []string{sasMAC},
		"short_authentication_string": []string{sasDecimal, sasEmoji}})
	raw, err := json.Marshal(out.content)
	if err != nil {
		return v.cancel(cancelInvalid)
	}
	v.phase, v.ours, v.start = phaseStarted, true, raw
	return []said{out}
}

// tick says what time it is.
func (v *verification) tick(now time.Time) []said {
	switch {
	case v.phase >= phaseDone:
		return nil
	case now.After(v.until):
		return v.cancel(cancelTimeout)
	case v.phase == phaseReady && (v.asked || now.Sub(v.readyAt) >= startAfter):
		return v.begin()
	}
	return nil
}

// compared says what the operator saw.
func (v *verification) compared(match bool) []said {
	if v.phase != phaseCompare || v.confirmed {
		return nil
	}
	if !match {
		return v.cancel(cancelSAS)
	}
	codes, list, err := v.x.macs(v.own, v.other, v.transaction)
	if err != nil {
		return v.cancel(cancelInvalid)
	}
	v.confirmed = true
	if v.proved {
		v.phase = phaseProved
	}
	return []said{v.say(verifyMAC, map[string]any{"mac": codes, "keys": list})}
}

// finish says that the other's key was signed.
func (v *verification) finish() []said {
	if v.phase != phaseProved {
		return nil
	}
	v.phase = phaseDone
	return []said{v.say(verifyDone, map[string]any{})}
}

// cancel ends it without a result.
func (v *verification) cancel(code cancelCode) []said {
	if v.phase >= phaseDone {
		return nil
	}
	v.phase, v.err = phaseOver, cancelled(code, false)
	return []said{v.say(verifyCancel, map[string]any{"code": string(code), "reason": cancels[code].reason})}
}

// take takes in what the other side's user sent in this verification.
func (v *verification) take(kind string, raw json.RawMessage, now time.Time) []said {
	if v.phase == phaseOver {
		return nil
	}
	// The homeserver may deliver twice what it should once.
	if same := kind + string(raw); slices.Contains(v.repeated, same) {
		return nil
	} else {
		v.repeated = append(last(v.repeated, maxRepeated-1), same)
	}
	if len(raw) > maxVerify {
		return v.cancel(cancelInvalid)
	}
	var c verifyContent
	if json.Unmarshal(raw, &c) != nil {
		return v.cancel(cancelInvalid)
	}
	if kind == verifyCancel {
		if v.phase == phaseDone {
			v.ended = true // what was proved stays so
			return nil
		}
		v.phase, v.err = phaseOver, cancelled(cancelCode(c.Code), true)
		return nil
	}
	switch {
	case kind == verifyReady && v.phase == phaseAsked && v.asked:
		return v.takeReady(c, now)
	case kind == verifyReady && v.asked && c.From != v.other.Device:
		return nil // a second device of theirs, which will see that it was not first
	case kind == verifyStart && (v.phase == phaseReady || v.phase == phaseStarted):
		return v.takeStart(c, raw)
	case kind == verifyAccept && v.phase == phaseStarted:
		return v.takeAccept(c)
	case kind == verifyKey && (v.phase == phaseAccepted || v.phase == phaseKeys):
		return v.takeKey(c)
	case kind == verifyMAC && v.phase == phaseCompare && !v.proved:
		return v.takeMAC(c)
	case kind == verifyDone && (v.phase == phaseProved || v.phase == phaseDone || v.phase == phaseCompare && v.proved):
		v.ended = true
		return nil
	}
	return v.cancel(cancelUnexpected)
}

// verifyContent is what the events of a verification have.
type verifyContent struct {
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

func (v *verification) takeReady(c verifyContent, now time.Time) []said {
	if c.From == "" || c.From != v.other.Device { // whoever has v filled in the device
		return v.cancel(cancelInvalid)
	}
	if !slices.Contains(c.Methods, sasMethod) {
		return v.cancel(cancelMethod)
	}
	v.phase, v.readyAt = phaseReady, now
	return v.begin()
}

func (v *verification) takeStart(c verifyContent, raw json.RawMessage) []said {
	if c.From != v.other.Device {
		return v.cancel(cancelUnexpected)
	}
	if v.phase == phaseStarted {
		// Both started at once: that of the lesser user counts, then of the device.
		if c.Method != sasMethod {
			return v.cancel(cancelUnexpected)
		}
		if lesser(v.own, v.other) {
			return nil
		}
	}
	switch {
	case c.Method != sasMethod, !slices.Contains(c.Agreements, sasAgreement), !slices.Contains(c.Hashes, sasHash), !slices.Contains(c.MACs, sasMAC),
		!slices.Contains(c.Shows, sasDecimal):
		return v.cancel(cancelMethod)
	}
	v.ours, v.start, v.emoji = false, slices.Clone(raw), slices.Contains(c.Shows, sasEmoji)
	promise, err := commitment(v.x.public(), v.start)
	if err != nil {
		return v.cancel(cancelInvalid)
	}
	shows := []string{sasDecimal}
	if v.emoji {
		shows = append(shows, sasEmoji)
	}
	v.phase = phaseAccepted
	return []said{v.say(verifyAccept, map[string]any{"method": sasMethod, "key_agreement_protocol": sasAgreement, "hash": sasHash,
		"message_authentication_code": sasMAC, "short_authentication_string": shows, "commitment": promise})}
}

func lesser(a, b party) bool {
	if a.User != b.User {
		return a.User < b.User
	}
	return a.Device < b.Device
}

func (v *verification) takeAccept(c verifyContent) []said {
	if c.Agreement != sasAgreement || c.Hash != sasHash || c.MACMethod != sasMAC || len(c.Shows) == 0 || c.Commitment == "" {
		return v.cancel(cancelMethod)
	}
	v.promise, v.emoji = c.Commitment, slices.Contains(c.Shows, sasEmoji)
	v.phase = phaseKeys
	return []said{v.say(verifyKey, map[string]any{"key": v.x.public()})}
}

func (v *verification) takeKey(c verifyContent) (out []said) {
	if v.ours {
		promise, err := commitment(c.Key, v.start)
		if err != nil || !same(promise, v.promise) {
			return v.cancel(cancelCommitment)
		}
	}
	if v.x.agree(c.Key) != nil {
		return v.cancel(cancelInvalid)
	}
	v.theirs = c.Key
	var err error
	if v.ours {
		v.sas, err = v.x.sas(v.own, v.other, v.x.public(), v.theirs, v.transaction)
	} else {
		out = []said{v.say(verifyKey, map[string]any{"key": v.x.public()})}
		v.sas, err = v.x.sas(v.other, v.own, v.theirs, v.x.public(), v.transaction)
	}
	if err != nil {
		return v.cancel(cancelInvalid)
	}
	if !v.emoji {
		v.sas.Emoji = nil
	}
	v.phase = phaseCompare
	return out
}

func (v *verification) takeMAC(c verifyContent) []said {
	if len(c.MAC) > maxMACs {
		return v.cancel(cancelInvalid)
	}
	for name := range c.MAC {
		if strings.Contains(name, ",") {
			return v.cancel(cancelInvalid)
		}
	}
	master, err := v.x.check(v.other, v.own, v.transaction, c.MAC, c.Keys)
	if err != nil {
		return v.cancel(cancelKeys)
	}
	if !master {
		out := v.cancel(cancelKeys)
		v.err.err = ErrUnvouched
		return out
	}
	v.proved, v.master = true, master
	if v.confirmed {
		v.phase = phaseProved
	}
	return nil
}
