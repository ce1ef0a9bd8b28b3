package matrix

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"maunium.net/go/mautrix/crypto/signatures"
	"maunium.net/go/mautrix/id"
)

// A Standing says what is known of a device.
type Standing int

const (
	// Unsigned: nothing but the homeserver says that the device is its user's, or
	// the user's master key is not the one that was seen first.
	Unsigned Standing = iota
	// Signed: signed by the user's self-signing key, which their master key signed,
	// the one that was seen first. Whose that is, the homeserver said.
	Signed
	// Verified: as Signed, and our own user-signing key signed the master key, as it
	// does once the operator compared it.
	Verified
	// Pinned: signed as above, and the master key is the one that a pinned card or the
	// operator binds to the user. Only a Call knows it.
	Pinned
)

func (s Standing) String() string {
	return [...]string{"unsigned", "signed", "verified", "pinned"}[s]
}

// A peer is a user and what is known of their devices.
type peer struct {
	Devices  map[id.DeviceID]*device
	Master   id.Ed25519 // as the homeserver shows it now
	First    id.Ed25519 // as it was shown first, and until somebody accepts another
	Verified bool       // our user-signing key signed Master
	Stale    bool       // to be asked for again
	away     time.Time  // when their homeserver did not answer
	asked    int        // which request asked for them last
	// Compared is the master key that the operator compared here, and when. It stays
	// when the homeserver forgets the signature.
	Compared   id.Ed25519 `json:",omitempty"`
	ComparedAt time.Time  `json:",omitzero"`
}

// changed reports whether the master key is another than at first, or gone.
func (p *peer) changed() bool { return p.First != "" && p.Master != p.First }

// A device is one of a peer's. Its own key signed the three.
type device struct {
	ID       id.DeviceID
	Identity id.Curve25519
	Signing  id.Ed25519
	Signed   bool // by a self-signing key that Master signed
}

// by returns the device with these keys, nil if there is none.
func (p *peer) by(identity id.Curve25519, signing id.Ed25519) *device {
	for _, d := range p.Devices {
		if d.Identity == identity && d.Signing == signing {
			return d
		}
	}
	return nil
}

func (p *peer) standing(d *device) Standing {
	switch {
	case d == nil || !d.Signed || p.Master == "" || p.changed():
		return Unsigned
	case p.Verified:
		return Verified
	}
	return Signed
}

// track makes sure that a user's devices are followed. Called locked.
func (a *Account) track(users ...id.UserID) {
	for _, user := range users {
		if a.state.Peers[user] == nil && len(a.state.Peers) < maxPeers {
			a.state.Peers[user] = &peer{Stale: true}
		}
	}
}

// trackSender is track for who sends something: anybody can, so those who are in no room with
// this account must not take the places of those who are. Called locked.
func (a *Account) trackSender(user id.UserID) {
	if len(a.state.Peers) < maxStrangePeers || a.state.meets(user) {
		a.track(user)
	}
}

// A keysAnswer is one to /keys/query. Signatures are over all fields, also those
// that we do not know.
type keysAnswer struct {
	Devices map[id.UserID]map[id.DeviceID]json.RawMessage `json:"device_keys"`
	Master  map[id.UserID]json.RawMessage                 `json:"master_keys"`
	Self    map[id.UserID]json.RawMessage                 `json:"self_signing_keys"`
}

// query asks for the keys of users.
func (a *Account) query(ctx context.Context, users []id.UserID) (*keysAnswer, error) {
	ask := make(map[id.UserID][]string)
	for _, user := range users {
		ask[user] = []string{}
	}
	answer := new(keysAnswer)
	_, err := a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "query"),
		map[string]any{"device_keys": ask, "timeout": 10000}, answer)
	if err != nil {
		return nil, fmt.Errorf("could not ask for the devices of %d users: %w", len(users), err)
	}
	return answer, nil
}

// awayFor is how long a homeserver that did not answer is left alone: ours waits for
// it each time, and we for ours.
const awayFor = 30 * time.Second

// refresh asks for the devices of all users whose devices changed.
func (a *Account) refresh(ctx context.Context) error {
	a.mu.Lock()
	var stale []id.UserID
	for user, p := range a.state.Peers {
		if p.Stale && time.Since(p.away) > awayFor {
			stale = append(stale, user)
		}
	}
	a.mu.Unlock()
	for chunk := range slices.Chunk(stale, 100) {
		if err := a.refreshSome(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) refreshSome(ctx context.Context, users []id.UserID) error {
	a.mu.Lock()
	a.asked++
	number := a.asked
	for _, user := range users {
		if p := a.state.Peers[user]; p != nil {
			p.Stale, p.asked = false, number // a change from here on makes it stale again
		}
	}
	a.mu.Unlock()
	answer, err := a.query(ctx, users)
	a.mu.Lock()
	defer a.mu.Unlock()
	pinned := false
	for _, user := range users {
		p := a.state.Peers[user]
		if p == nil || p.asked != number { // somebody asked since: their answer is newer
			continue
		}
		first := p.First
		if devices, ok := map[id.DeviceID]json.RawMessage(nil), false; err != nil {
			p.Stale = true
		} else if devices, ok = answer.Devices[user]; !ok && len(answer.Master[user]) == 0 {
			p.Stale, p.away = true, time.Now()
		} else if fault := contain(func() {
			p.take(user, a.state.some(user, devices), answer.Master[user], answer.Self[user], a.userSigning())
		}); fault != nil {
			a.log.Warn("a user's devices could not be read", "err", fault)
		}
		pinned = pinned || p.First != first
	}
	if pinned { // or a crash would let the next key be the first
		err = errors.Join(err, a.save())
	}
	return err
}

// some returns a user's devices, fewer if there are many of somebody who is in no room with
// this account. Called locked.
func (s *state) some(user id.UserID, devices map[id.DeviceID]json.RawMessage) map[id.DeviceID]json.RawMessage {
	if len(devices) <= maxStrangeDevices || s.meets(user) {
		return devices
	}
	out := make(map[id.DeviceID]json.RawMessage)
	for _, name := range slices.Sorted(maps.Keys(devices))[:maxStrangeDevices] {
		out[name] = devices[name]
	}
	return out
}

// take replaces what is known of a user by what the homeserver shows. own is the
// account's user and the public part of its user-signing key.
func (p *peer) take(user id.UserID, devices map[id.DeviceID]json.RawMessage, masterKey, selfKey json.RawMessage, own signer) {
	master := crossKey(masterKey, user, "master")
	p.Master = master
	p.Verified = false
	if master != "" {
		if p.First == "" {
			p.First = master
		}
		// The operator compared it; but another here since then counts, as the homeserver
		// could show an old one again.
		if p.Verified = own.key != "" && (p.Compared == "" || p.Compared == master) && signed(masterKey, own.user, string(own.key), own.key); p.Verified {
			p.First = master
		}
		p.Verified = p.Verified || p.Compared == master
	}
	self := crossKey(selfKey, user, "self_signing")
	if master == "" || self == "" || !signed(selfKey, user, string(master), master) {
		self = ""
	}
	old := p.Devices
	p.Devices = make(map[id.DeviceID]*device)
	for name, raw := range devices {
		if len(p.Devices) == maxDevices {
			break
		}
		d := readDevice(user, name, raw)
		if d == nil {
			continue
		}
		if o := old[name]; o != nil && (o.Signing != d.Signing || o.Identity != d.Identity) {
			d = o // a device does not change its keys: a new one has another name
			d.Signed = false
		} else {
			d.Signed = self != "" && signed(raw, user, string(self), self)
		}
		p.Devices[name] = d
	}
}

// readDevice reads a device's keys, nil if they are not what they should be.
func readDevice(user id.UserID, name id.DeviceID, raw json.RawMessage) *device {
	var v struct {
		User   id.UserID         `json:"user_id"`
		Device id.DeviceID       `json:"device_id"`
		Keys   map[string]string `json:"keys"`
	}
	if json.Unmarshal(raw, &v) != nil || v.User != user || v.Device != name {
		return nil
	}
	d := &device{ID: name, Identity: id.Curve25519(v.Keys["curve25519:"+string(name)]), Signing: id.Ed25519(v.Keys["ed25519:"+string(name)])}
	if !isKey(string(d.Identity)) || !isKey(string(d.Signing)) || !signed(raw, user, string(name), d.Signing) {
		return nil
	}
	return d
}

// crossKey returns the key in a cross-signing key object of that usage, "" if it
// is not what it should be.
func crossKey(raw json.RawMessage, user id.UserID, usage string) id.Ed25519 {
	var v struct {
		User  id.UserID         `json:"user_id"`
		Usage []string          `json:"usage"`
		Keys  map[string]string `json:"keys"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil || v.User != user || !slices.Contains(v.Usage, usage) || len(v.Keys) != 1 {
		return ""
	}
	for name, key := range v.Keys {
		if name == "ed25519:"+key && isKey(key) {
			return id.Ed25519(key)
		}
	}
	return ""
}

// isKey reports whether s is 32 bytes in unpadded base64.
func isKey(s string) bool {
	b, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil && len(b) == 32
}

// signed reports whether an object has a valid signature of a user's key.
func signed(raw json.RawMessage, user id.UserID, name string, key id.Ed25519) bool {
	ok, err := signatures.VerifySignatureJSON(raw, user, name, key)
	return ok && err == nil
}
