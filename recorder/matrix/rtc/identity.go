package rtc

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"maunium.net/go/mautrix/id"
)

// StateIdentity is the LiveKit identity of a member by a state event: USER:DEVICE.
// It names the same person and device in both formats.
func StateIdentity(user id.UserID, device id.DeviceID) string {
	return string(user) + ":" + string(device)
}

// stickyIdentity is the LiveKit identity of a member by a sticky event (MSC4195).
func stickyIdentity(user id.UserID, device id.DeviceID, member string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // canonical JSON has none
	if err := e.Encode([]string{string(user), string(device), member}); err != nil {
		panic("internal error: " + err.Error())
	}
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// Identities are those that a member may have in LiveKit rooms, the likeliest first. Who is a member by
// a state event asks for one in the other form, too, where it does not send; and
// the other way round from older services.
func Identities(m Member) []string {
	if m.Sticky {
		return []string{stickyIdentity(m.User, m.Device, m.Key), StateIdentity(m.User, m.Device)}
	}
	plain := StateIdentity(m.User, m.Device)
	list := []string{plain, stickyIdentity(m.User, m.Device, plain)}
	if m.ID != "" && m.ID != plain {
		list = append(list, stickyIdentity(m.User, m.Device, m.ID))
	}
	return list
}
