package matrix

import (
	"fmt"

	"maunium.net/go/mautrix/id"
)

// notKnown is why a device's keys are not used when its homeserver did not say yet
// which devices there are.
const notKnown = "their devices are not known yet"

// trust returns what is known of a user's device, the user's master key as it is
// shown now, and, for one whose keys are not used, why. pinned is the master key
// that somebody bound to the user, "" for none.
func (a *Account) trust(t Target, pinned id.Ed25519) (s Standing, master id.Ed25519, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.state.Peers[t.User]
	if p == nil {
		return Unsigned, "", notKnown
	}
	return p.trust(t.Device, pinned)
}

func (p *peer) trust(name id.DeviceID, pinned id.Ed25519) (s Standing, master id.Ed25519, reason string) {
	d := p.Devices[name]
	switch {
	case p.First == "" && p.Master == "" && p.Stale:
		return Unsigned, "", notKnown
	case pinned != "" && p.Master != pinned:
		return Unsigned, p.Master, "their master key is not the one that is pinned"
	case pinned == "" && p.changed():
		return Unsigned, p.Master, "their master key changed"
	case p.Master == "":
		return Unsigned, "", "they have no cross-signing keys"
	case d == nil:
		return Unsigned, p.Master, fmt.Sprintf("their homeserver shows no device %s of theirs", name)
	case !d.Signed:
		return Unsigned, p.Master, fmt.Sprintf("their device %s is not signed by their keys", name)
	case pinned != "":
		return Pinned, p.Master, ""
	case p.Verified:
		return Verified, p.Master, ""
	}
	return Signed, p.Master, ""
}

// sender returns the name of the device that has both keys, "" if none that is
// known has.
func (a *Account) sender(user id.UserID, identity id.Curve25519, signing id.Ed25519) id.DeviceID {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.state.Peers[user]; p != nil {
		if d := p.by(identity, signing); d != nil {
			return d.ID
		}
	}
	return ""
}
