package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sealed"
)

// aState returns a state without a homeserver.
func aState(t testing.TB) *state {
	t.Helper()
	s, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	s.Homeserver, s.User, s.Device, s.Token = "http://127.0.0.1:1", "@ada:meet.test", "DEV", "token"
	s.Seeds = seeds{random(32), random(32), random(32)}
	s.Peers["@bob:meet.test"] = &peer{Devices: map[id.DeviceID]*device{"D": {ID: "D", Signed: true}}, Master: "m", First: "m"}
	s.put(Message{Sender: "@bob:meet.test", Type: keysType, Content: json.RawMessage(`{"n":1}`)})
	s.once(groupIndex{"s", 1, "$e", 5, "@bob:meet.test"})
	return s
}

// A file is opened by the home that sealed it, and by no other; one of a newer
// program, or a damaged one, is refused.
func TestState(t *testing.T) {
	home, other := newHome(t), newHome(t)
	f, err := home.folder().Hold("@Ada:meet.test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := load(f); !errors.Is(err, sealed.ErrNoAccount) {
		t.Errorf("before anybody logged in: %v", err)
	}
	s := aState(t)
	if err := (&Account{file: f, state: s}).save(); err != nil {
		t.Fatal(err)
	}
	got, err := load(f)
	if err != nil {
		t.Fatal(err)
	}
	ed, curve, _ := s.account.IdentityKeys()
	ed2, curve2, _ := got.account.IdentityKeys()
	if ed != ed2 || curve != curve2 || got.Token != s.Token || len(got.Inbox) != 1 || !got.Seeds.complete() || got.Peers["@bob:meet.test"].standing(got.Peers["@bob:meet.test"].Devices["D"]) != Signed {
		t.Error("what was read is not what was written")
	}
	_, replayed := got.once(groupIndex{"s", 1, "$other", 5, "@bob:meet.test"})
	if again, ok := got.once(groupIndex{"s", 1, "$e", 5, "@bob:meet.test"}); replayed || !again || !ok {
		t.Error("what was replayed is not known any more")
	}
	name := filepath.Join(home.Dir, "=41da=3ameet.test.age")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	stranger := Home{Dir: home.Dir, Identities: other.Identities}
	if _, err := stranger.peek("@Ada:meet.test"); !errors.Is(err, sealed.ErrOtherHome) {
		t.Errorf("with another identity: %v, want ErrOtherHome", err)
	}
	if err := os.WriteFile(name, b[:len(b)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(f); !errors.Is(err, ErrState) {
		t.Errorf("cut: %v, want ErrState", err)
	}
	plain, err := s.marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"newer":      {`"Version":1`, `"Version":2`},
		"no user":    {`"@ada:meet.test"`, `""`},
		"no pickle":  {`"Pickle":"`, `"Pickle":"AAAA`},
		"no account": {`"Account":"`, `"Account":"AAAA`},
	} {
		changed := strings.Replace(string(plain), change[0], change[1], 1)
		if changed == string(plain) {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, err := parseState([]byte(changed))
		if !errors.Is(err, ErrState) || strings.Contains(err.Error(), s.Token) {
			t.Errorf("%s: %v, want ErrState", name, err)
		}
	}
}

// The inbox, the replays and the devices of others are bounded.
func TestBounds(t *testing.T) {
	s := aState(t)
	for i := range maxInbox + 10 {
		s.put(Message{Sender: id.UserID(fmt.Sprint(i)), Content: json.RawMessage(`{}`)})
	}
	if len(s.Inbox) != maxInbox {
		t.Errorf("%d messages wait", len(s.Inbox))
	}
	a := &Account{state: s}
	for range maxPeers + 10 {
		a.track(id.UserID("@" + randomName() + ":x"))
	}
	if len(s.Peers) != maxPeers {
		t.Errorf("%d users are followed", len(s.Peers))
	}
	s.Indices = make([]groupIndex, maxIndices)
	s.once(groupIndex{Session: "new"})
	if len(s.Indices) != maxIndices {
		t.Errorf("%d messages are remembered", len(s.Indices))
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"Version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if err != nil {
			return
		}
		if s.User == "" || len(s.Inbox) > maxInbox || s.account == nil {
			t.Error("a state without an account was read")
		}
		if _, err := s.marshal(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzDevices: no answer about devices makes one signed that nobody signed.
func FuzzDevices(f *testing.F) {
	f.Add([]byte(`{"user_id":"@a:b","device_id":"D","keys":{}}`), []byte(`{"user_id":"@a:b","usage":["master"],"keys":{}}`))
	f.Fuzz(func(t *testing.T, deviceKeys, cross []byte) {
		p := new(peer)
		p.take("@a:b", map[id.DeviceID]json.RawMessage{"D": deviceKeys}, cross, cross, signer{user: "@me:b"})
		for _, d := range p.Devices {
			if p.standing(d) != Unsigned {
				t.Error("a device is signed")
			}
		}
	})
}

// FuzzMessage: no message of a stranger is taken for one.
func FuzzMessage(f *testing.F) {
	s := aState(f)
	_, identity, err := s.account.IdentityKeys()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, "AwogAAAA", "{}")
	f.Add(1, "AwogAAAA", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
	f.Fuzz(func(t *testing.T, kind int, body, key string) {
		raw, err := json.Marshal(map[string]any{"algorithm": id.AlgorithmOlmV1, "sender_key": identity,
			"ciphertext": map[id.Curve25519]any{identity: map[string]any{"type": kind, "body": body}}})
		if err != nil {
			return
		}
		var m *Message
		if contain(func() { m, _, err = s.decrypt("@x:y", raw) }) == nil && err == nil {
			t.Errorf("got %+v", m)
		}
		contain(func() { s.roomKey(&Message{Content: json.RawMessage(key)}) })
	})
}
