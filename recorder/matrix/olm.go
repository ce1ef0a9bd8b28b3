package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// maxMessage bounds what is decrypted of one to-device event, in bytes. Matrix
// allows 64 KiB for an event.
const maxMessage = 64 << 10

// A Message is what a device sent to this one.
type Message struct {
	Sender    id.UserID
	Encrypted bool          // else nobody but the homeserver says who sent it
	Identity  id.Curve25519 // of the sender's device, by Olm
	Signing   id.Ed25519    // which the sender claims to have, too: a device has both, or the message is nobody's
	Type      string
	Content   json.RawMessage
	Received  time.Time
}

// olmContent is the content of an m.room.encrypted event.
type olmContent struct {
	Algorithm  id.Algorithm  `json:"algorithm"`
	SenderKey  id.Curve25519 `json:"sender_key"`
	Ciphertext map[id.Curve25519]struct {
		Type id.OlmMsgType `json:"type"`
		Body string        `json:"body"`
	} `json:"ciphertext"`
}

// An olmPayload is what is encrypted.
type olmPayload struct {
	Sender     id.UserID       `json:"sender"`
	Device     id.DeviceID     `json:"sender_device,omitempty"`
	DeviceKeys any             `json:"sender_device_keys,omitempty"`
	Keys       olmKeys         `json:"keys"`
	Recipient  id.UserID       `json:"recipient"`
	To         olmKeys         `json:"recipient_keys"`
	Type       string          `json:"type"`
	Content    json.RawMessage `json:"content"`
}

type olmKeys struct {
	Signing id.Ed25519 `json:"ed25519"`
}

var (
	errNotForUs = errors.New("the message is for another device")
	errForged   = errors.New("the message says other than its envelope")
	// errWedged says that the ratchets of both ends do not fit: a new session is due.
	errWedged = errors.New("the message cannot be decrypted")
)

// decrypt decrypts a to-device event. Called locked.
func (s *state) decrypt(sender id.UserID, raw json.RawMessage) (*Message, id.Curve25519, error) {
	var c olmContent
	if len(raw) > maxMessage || json.Unmarshal(raw, &c) != nil || c.Algorithm != id.AlgorithmOlmV1 || !isKey(string(c.SenderKey)) {
		return nil, "", errNotForUs
	}
	signing, identity, err := s.account.IdentityKeys()
	if err != nil {
		return nil, "", err
	}
	own, ok := c.Ciphertext[identity]
	if !ok || own.Type != id.OlmMsgTypePreKey && own.Type != id.OlmMsgTypeMsg {
		return nil, "", errNotForUs
	}
	plain, err := s.turn(c.SenderKey, own.Type, own.Body)
	if err != nil {
		return nil, c.SenderKey, err
	}
	var p olmPayload
	if json.Unmarshal(plain, &p) != nil || p.Sender != sender || p.Recipient != s.User || p.To.Signing != signing || p.Type == "" {
		return nil, c.SenderKey, errForged
	}
	return &Message{Sender: sender, Encrypted: true, Identity: c.SenderKey, Signing: p.Keys.Signing, Type: p.Type, Content: p.Content, Received: time.Now()}, c.SenderKey, nil
}

// turn decrypts by a session that is there, or by a new one if the message begins
// one.
func (s *state) turn(key id.Curve25519, kind id.OlmMsgType, body string) ([]byte, error) {
	for _, o := range s.sessions[key] {
		if kind == id.OlmMsgTypePreKey {
			if ok, err := o.MatchesInboundSessionFrom(string(key), body); !ok || err != nil {
				continue
			}
		}
		plain, err := o.Decrypt(body, kind)
		if err == nil {
			s.use(key, o)
			return plain, nil
		}
		if kind == id.OlmMsgTypePreKey {
			return nil, errWedged // or it came before
		}
	}
	if kind != id.OlmMsgTypePreKey {
		return nil, errWedged
	}
	o, err := s.account.NewInboundSessionFrom(&key, body)
	if err != nil {
		return nil, errWedged
	}
	plain, err := o.Decrypt(body, kind)
	if err != nil {
		return nil, errWedged
	}
	// Not before: a forged message must cost no key.
	if err := s.account.RemoveOneTimeKeys(o); err != nil {
		return nil, errWedged
	}
	s.use(key, &session{Session: o})
	return plain, nil
}

// use puts a session first, which the next message is encrypted by.
func (s *state) use(key id.Curve25519, o *session) {
	o.used = time.Now()
	list := slices.DeleteFunc(s.sessions[key], func(other *session) bool { return other == o })
	list = append([]*session{o}, list...)
	s.sessions[key] = list[:min(len(list), maxSessions)]
	s.trim(key)
}

// trim forgets sessions where there are too many, but those with the device of that key:
// who made up devices first, as any number of these can begin sessions, and then the
// longest unused.
func (s *state) trim(but id.Curve25519) {
	all := 0
	for _, list := range s.sessions {
		all += len(list)
	}
	if all <= maxAllSessions/2 {
		return
	}
	known := make(map[id.Curve25519]bool)
	for user, p := range s.Peers {
		if s.meets(user) || p.Compared != "" {
			for _, d := range p.Devices {
				known[d.Identity] = true
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(s.sessions), func(a, b id.Curve25519) int {
		if known[a] != known[b] {
			if known[b] {
				return -1
			}
			return 1
		}
		return s.sessions[a][0].used.Compare(s.sessions[b][0].used)
	})
	for _, key := range keys {
		if all <= maxAllSessions/2 || known[key] && all <= maxAllSessions {
			return
		}
		if key != but {
			all -= len(s.sessions[key])
			delete(s.sessions, key)
		}
	}
}

// meets reports whether a user is in a room with this account. Called locked.
func (s *state) meets(user id.UserID) bool {
	for _, members := range s.Rooms.Members {
		if m := members[user]; m != nil && m.Membership == event.MembershipJoin {
			return true
		}
	}
	return user == s.User
}

// encrypt encrypts for a device with which there is a session. Called locked.
func (a *Account) encrypt(user id.UserID, d *device, kind string, content json.RawMessage) (any, error) {
	s := a.state
	list := s.sessions[d.Identity]
	if len(list) == 0 {
		return nil, fmt.Errorf("there is no Olm session with device %s", d.ID)
	}
	signing, identity, err := s.account.IdentityKeys()
	if err != nil {
		return nil, err
	}
	keys, err := a.deviceKeys()
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(olmPayload{Sender: s.User, Device: s.Device, DeviceKeys: keys, Keys: olmKeys{signing},
		Recipient: user, To: olmKeys{d.Signing}, Type: kind, Content: content})
	if err != nil {
		return nil, err
	}
	t, body, err := list[0].Encrypt(plain)
	if err != nil {
		return nil, err
	}
	return map[string]any{"algorithm": id.AlgorithmOlmV1, "sender_key": identity,
		"ciphertext": map[id.Curve25519]any{d.Identity: map[string]any{"type": t, "body": string(body)}}}, nil
}

// A Target is a device that something is sent to.
type Target struct {
	User   id.UserID
	Device id.DeviceID
}

// Send sends an encrypted to-device event to devices that are known, and returns to
// which it was sent: not to those that are unknown, or have no one-time key left.
// The ratchets are on the disk before anything is sent.
func (a *Account) Send(ctx context.Context, kind string, content any, to ...Target) (sent []Target, err error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	if err := a.begin(ctx, false, to...); err != nil {
		return nil, err
	}
	for some := range slices.Chunk(to, maxTargets) {
		done, err := a.sendTo(ctx, kind, raw, some)
		if sent = append(sent, done...); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// maxTargets is to how many devices one request goes: homeservers bound its length.
const maxTargets = 200

func (a *Account) sendTo(ctx context.Context, kind string, raw json.RawMessage, to []Target) (sent []Target, err error) {
	messages := make(map[id.UserID]map[id.DeviceID]any)
	a.mu.Lock()
	for _, t := range to {
		d := a.state.device(t)
		if d == nil || len(a.state.sessions[d.Identity]) == 0 {
			continue
		}
		var c any
		if fault := contain(func() { c, err = a.encrypt(t.User, d, kind, raw) }); fault != nil || err != nil {
			a.log.Warn("could not encrypt for a device", "err", errors.Join(fault, err))
			continue
		}
		if messages[t.User] == nil {
			messages[t.User] = make(map[id.DeviceID]any)
		}
		messages[t.User][t.Device] = c
		sent = append(sent, t)
	}
	err = nil
	if len(sent) > 0 {
		err = a.save()
	}
	a.mu.Unlock()
	if err != nil || len(sent) == 0 {
		return nil, err
	}
	_, err = a.client.MakeRequest(ctx, http.MethodPut, a.client.BuildClientURL("v3", "sendToDevice", event.ToDeviceEncrypted.Type, a.client.TxnID()),
		map[string]any{"messages": messages}, nil)
	if err != nil {
		return nil, fmt.Errorf("could not send to %d devices: %w", len(sent), err)
	}
	return sent, nil
}

// device returns a device that is known, or nil.
func (s *state) device(t Target) *device {
	if p := s.Peers[t.User]; p != nil {
		return p.Devices[t.Device]
	}
	return nil
}

// begin makes Olm sessions with the devices that have none; with all if anew.
func (a *Account) begin(ctx context.Context, anew bool, to ...Target) error {
	ask := make(map[id.UserID]map[id.DeviceID]id.KeyAlgorithm)
	a.mu.Lock()
	for _, t := range to {
		a.track(t.User)
	}
	a.mu.Unlock()
	if err := a.refresh(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	for _, t := range to {
		d := a.state.device(t)
		if d == nil || !anew && len(a.state.sessions[d.Identity]) > 0 {
			continue
		}
		if ask[t.User] == nil {
			ask[t.User] = make(map[id.DeviceID]id.KeyAlgorithm)
		}
		ask[t.User][t.Device] = id.KeyAlgorithmSignedCurve25519
	}
	a.mu.Unlock()
	if len(ask) == 0 {
		return nil
	}
	var answer struct {
		Keys map[id.UserID]map[id.DeviceID]map[string]json.RawMessage `json:"one_time_keys"`
	}
	_, err := a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "claim"),
		map[string]any{"one_time_keys": ask, "timeout": 10000}, &answer)
	if err != nil {
		return fmt.Errorf("could not get one-time keys of devices: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for user, devices := range ask {
		for name := range devices {
			d := a.state.device(Target{user, name})
			if d == nil {
				continue
			}
			for _, raw := range answer.Keys[user][name] {
				if fault := contain(func() { a.state.outboundTo(user, d, raw) }); fault != nil {
					a.log.Warn("a one-time key could not be used", "err", fault)
				}
				break
			}
		}
	}
	return nil
}

// outboundTo makes a session with a device by a one-time key that it signed.
func (s *state) outboundTo(user id.UserID, d *device, raw json.RawMessage) {
	var v struct {
		Key id.Curve25519 `json:"key"`
	}
	if json.Unmarshal(raw, &v) != nil || !isKey(string(v.Key)) || !signed(raw, user, string(d.ID), d.Signing) {
		return
	}
	if o, err := s.account.NewOutboundSession(d.Identity, v.Key); err == nil {
		s.use(d.Identity, &session{Session: o})
	}
}

// unwedgeAfter is how long a device is left alone after a new session was made
// with it, as nothing could be decrypted.
const unwedgeAfter = time.Hour

// unwedge makes new sessions with devices whose messages could not be decrypted,
// and tells them so by an empty message: then they use the new one, too.
func (a *Account) unwedge(ctx context.Context, wedged map[id.Curve25519]id.UserID) error {
	var to []Target
	a.mu.Lock()
	for key, user := range wedged {
		p := a.state.Peers[user]
		if p == nil || time.Since(a.unwedged[key]) < unwedgeAfter {
			continue
		}
		for _, d := range p.Devices {
			if d.Identity == key {
				to = append(to, Target{user, d.ID})
				a.unwedged[key] = time.Now()
			}
		}
	}
	a.mu.Unlock()
	if len(to) == 0 {
		return nil
	}
	if err := a.begin(ctx, true, to...); err != nil {
		return err
	}
	_, err := a.Send(ctx, "m.dummy", struct{}{}, to...)
	return err
}
