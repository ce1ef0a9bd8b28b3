package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// A sharer is a device of a room that writes.
type sharer struct {
	olm.OutboundGroupSession
	t   *testing.T
	key []byte // as it was at first
}

func newSharer(t *testing.T) *sharer {
	t.Helper()
	ratchets()
	o, err := olm.NewOutboundGroupSession()
	if err != nil {
		t.Fatal(err)
	}
	key, err := json.Marshal(map[string]any{"algorithm": id.AlgorithmMegolmV1, "room_id": "!r:x", "session_id": o.ID(), "session_key": o.Key()})
	if err != nil {
		t.Fatal(err)
	}
	return &sharer{o, t, key}
}

// give gives the session's key to a device, as if it were of that user.
func (s *sharer) give(to *state, user id.UserID) {
	to.roomKey(&Message{Sender: user, Encrypted: true, Identity: id.Curve25519("identity of " + user), Signing: id.Ed25519("signing of " + user), Content: s.key})
}

// write returns a message as an event of that user.
func (s *sharer) write(text string, user id.UserID, name id.EventID) *event.Event {
	s.t.Helper()
	plain := fmt.Sprintf(`{"room_id":"!r:x","type":"m.room.message","content":{"msgtype":"m.text","body":%q}}`, text)
	body, err := s.Encrypt([]byte(plain))
	if err != nil {
		s.t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"algorithm": id.AlgorithmMegolmV1, "session_id": s.ID(), "ciphertext": string(body)})
	if err != nil {
		s.t.Fatal(err)
	}
	return &event.Event{ID: name, Sender: user, Timestamp: 5, Type: event.EventEncrypted, Content: event.Content{VeryRaw: raw}}
}

// What somebody wrote says something once: a homeserver that delivers the same event in
// another meeting has nobody agree to that.
func TestSaidOnce(t *testing.T) {
	c := bareCall(t, "http://127.0.0.1:1")
	ada := newSharer(t)
	ada.give(c.a.state, "@ada:x")
	yes := ada.write("yes", "@ada:x", "$yes")
	read := func(e *event.Event) error {
		again := *e
		r, err := c.a.state.read("!r:x", &again)
		c.event(r, true)
		return err
	}
	if err := read(yes); err != nil || len(c.pending) != 1 || c.pending[0].Text != "yes" || !c.pending[0].Encrypted {
		t.Fatalf("%v, %+v", err, c.pending)
	}
	if err := read(yes); err != nil || len(c.pending) != 1 {
		t.Errorf("the same event says it again: %v, %+v", err, c.pending)
	}
	other := *yes
	other.ID = "$other"
	if err := read(&other); !errors.Is(err, errReplayed) || len(c.pending) != 1 {
		t.Errorf("another event says it again: %v, %+v", err, c.pending)
	}
	if err := read(ada.write("no", "@ada:x", "$no")); err != nil || len(c.pending) != 2 {
		t.Errorf("the next: %v, %+v", err, c.pending)
	}
}

// Who was given a session can pass it on as their own. What its maker writes is read, all
// the same, and is the maker's.
func TestPassedOn(t *testing.T) {
	s := aState(t)
	ada := newSharer(t)
	ada.give(s, "@eve:x")
	first := ada.write("one", "@ada:x", "$1")
	if _, err := s.read("!r:x", first); !errors.Is(err, errNoRoomKey) {
		t.Errorf("read with Eve's copy: %v", err)
	}
	stolen := *first
	stolen.Sender, stolen.ID = "@eve:x", "$2"
	if r, err := s.read("!r:x", &stolen); err != nil || r.Signing != "signing of @eve:x" {
		t.Errorf("Eve's event is of %q, %v", r.Signing, err)
	}
	ada.give(s, "@ada:x")
	if r, err := s.read("!r:x", first); err != nil || r.Signing != "signing of @ada:x" || r.again {
		t.Errorf("Ada's event is of %q, %v", r.Signing, err)
	}
	// Nor does it help to give many.
	for range maxGroupsUser + 5 {
		newSharer(t).give(s, "@eve:x")
	}
	if len(s.groups) != maxGroupsUser+1 || s.group("!r:x", ada.ID(), "@ada:x") == nil {
		t.Errorf("%d sessions are kept, want %d of Eve's and Ada's", len(s.groups), maxGroupsUser)
	}
}
