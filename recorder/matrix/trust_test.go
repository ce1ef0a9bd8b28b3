package matrix

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

var someKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 16))

// What counts of a device, by what its homeserver shows.
func TestTrust(t *testing.T) {
	const a, b = id.Ed25519("A"), id.Ed25519("B")
	signed := map[id.DeviceID]*device{"D": {ID: "D", Signed: true}, "E": {ID: "E"}}
	for _, test := range []struct {
		name   string
		p      peer
		device id.DeviceID
		pinned id.Ed25519
		want   Standing
		reason string
	}{
		{"first seen", peer{Devices: signed, Master: a, First: a}, "D", "", Signed, ""},
		{"compared", peer{Devices: signed, Master: a, First: a, Verified: true}, "D", "", Verified, ""},
		{"pinned", peer{Devices: signed, Master: a, First: a}, "D", a, Pinned, ""},
		{"pinned, and once another", peer{Devices: signed, Master: a, First: b}, "D", a, Pinned, ""},
		{"another is pinned", peer{Devices: signed, Master: a, First: a, Verified: true}, "D", b, Unsigned, "not the one that is pinned"},
		{"changed", peer{Devices: signed, Master: a, First: b}, "D", "", Unsigned, "changed"},
		{"gone", peer{Devices: signed, First: b}, "D", "", Unsigned, "changed"},
		{"never cross-signed", peer{Devices: signed}, "D", "", Unsigned, "no cross-signing"},
		{"unsigned", peer{Devices: signed, Master: a, First: a, Verified: true}, "E", a, Unsigned, "device E is not signed"},
		{"unknown device", peer{Devices: signed, Master: a, First: a}, "F", a, Unsigned, "no device F"},
		{"not asked yet", peer{Stale: true}, "D", "", Unsigned, "not known yet"},
	} {
		s, _, reason := test.p.trust(test.device, test.pinned)
		if s != test.want || !strings.Contains(reason, test.reason) || (reason == "") != (test.reason == "") {
			t.Errorf("%s: %s, %q", test.name, s, reason)
		}
	}
}

// A user whose homeserver is away is not asked for at each step: everybody would
// wait for it.
func TestAway(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		io.WriteString(w, `{"failures":{"away.test":{}}}`)
	}))
	defer s.Close()
	st, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	st.User, st.Homeserver = "@bot:meet.test", s.URL
	a, err := newAccount(nil, st, logger())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := a.Follow(t.Context(), "@ada:away.test"); err != nil {
			t.Fatal(err)
		}
	}
	p := st.Peers["@ada:away.test"]
	if asked != 1 || !p.Stale {
		t.Errorf("asked %d times", asked)
	}
	p.away = time.Now().Add(-awayFor)
	if err := a.Follow(t.Context()); err != nil || asked != 2 {
		t.Errorf("after a while asked %d times, %v", asked, err)
	}
}

// forge makes keys in another's name: a device that eve made, and cross-signing
// keys that sign it.
func forge(t *testing.T, eve *Account, as id.UserID, name id.DeviceID, withSeeds bool) (device json.RawMessage, cross map[string]json.RawMessage) {
	t.Helper()
	forged := *eve.state
	forged.User, forged.Device = as, name
	if !withSeeds {
		forged.Seeds = seeds{}
	}
	f := &Account{state: &forged}
	keys, err := f.deviceKeys()
	if err != nil {
		t.Fatal(err)
	}
	if device, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	if !withSeeds {
		return device, nil
	}
	public, err := f.publicKeys()
	if err != nil {
		t.Fatal(err)
	}
	cross = make(map[string]json.RawMessage)
	for field, kind := range map[string]string{"master_key": "master_keys", "self_signing_key": "self_signing_keys"} {
		if cross[kind], err = json.Marshal(public[field]); err != nil {
			t.Fatal(err)
		}
	}
	return device, cross
}

// posing makes eve's device send in another's name, as their homeserver could.
func posing(eve, as *Account, name id.DeviceID) *Account {
	forged := *eve.state
	forged.User, forged.Device = as.User(), name
	return &Account{client: as.client, file: eve.file, log: eve.log, state: &forged, unwedged: eve.unwedged}
}

// A hostile homeserver gets no key into a recording, and none out of the recorder;
// and what it tries is told by name.
func TestCallHostile(t *testing.T) {
	p := server(t)
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	eve, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot, eve)
	if _, err := eve.client.JoinRoomByID(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	_, master, err := ada.Keys()
	if err != nil {
		t.Fatal(err)
	}
	bot1 := followCall(t, bot, CallConfig{Room: room, Pinned: func(user id.UserID) id.Ed25519 {
		if user == ada.User() {
			return master
		}
		return ""
	}})
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, false)
	if came := bot1.kind(t, Came, ada); came.Caller.Standing != Pinned || came.Caller.Master != master {
		t.Errorf("Ada is %s", came.Caller.Standing)
	}
	if err := bot1.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	bot1.kind(t, Keyed, ada)

	// A key in the clear.
	if _, err := eve.client.MakeRequest(t.Context(), "PUT", eve.client.BuildClientURL("v3", "sendToDevice", rtc.KeysType, "clear"),
		map[string]any{"messages": map[id.UserID]any{bot.User(): map[id.DeviceID]any{bot.Device(): map[string]any{"keys": map[string]any{"index": 0, "key": someKey},
			"member": map[string]any{"claimed_device_id": eve.Device()}, "room_id": room}}}}, nil); err != nil {
		t.Fatal(err)
	}
	if e := bot1.kind(t, Refused, eve); !strings.Contains(e.Reason, "unencrypted") {
		t.Errorf("refused: %s", e.Reason)
	}
	// A key that says to be of another device of the same user, and one for another room.
	send(t, eve, bot, `{"keys":{"index":0,"key":"`+someKey+`"},"member":{"claimed_device_id":"OTHER"},"room_id":"`+string(room)+`"}`)
	if e := bot1.kind(t, Refused, eve); !strings.Contains(e.Reason, "OTHER") || !strings.Contains(e.Reason, string(eve.Device())) {
		t.Errorf("refused: %s", e.Reason)
	}
	send(t, eve, bot, `{"keys":{"index":0,"key":"`+someKey+`"},"member":{"claimed_device_id":"`+string(eve.Device())+`"},"room_id":"!other:meet.test"}`)
	// A key of a member of the room who is not in the call is held, and no more.
	sendKey(t, eve, bot, room, "", 0, bytes.Repeat([]byte{9}, 16))

	// A device in Ada's name, with a membership: no key of it counts, and it gets none.
	ghost := posing(eve, ada, "GHOST")
	device, _ := forge(t, eve, ada.User(), "GHOST", false)
	p.AddDevice(string(ada.User()), "GHOST", device, string(bot.User()))
	member := rtc.Announcement{User: ada.User(), Device: "GHOST", Room: room, Service: someService, Expires: time.Hour}
	if _, err := ada.client.SendStateEvent(t.Context(), room, rtc.StateMember, member.StateKey(), member.StateContent()); err != nil {
		t.Fatal(err)
	}
	e := bot1.until(t, "the ghost", func(e CallEvent) bool { return e.Kind == Came && e.Caller.Device == "GHOST" })
	if e.Caller.Standing != Unsigned {
		t.Errorf("a device that the homeserver added is %s", e.Caller.Standing)
	}
	sendKey(t, ghost, bot, room, "", 0, bytes.Repeat([]byte{9}, 16))
	e = bot1.until(t, "its key", func(e CallEvent) bool { return e.Kind == Refused && e.Caller.Device == "GHOST" })
	if !strings.Contains(e.Reason, "not signed") {
		t.Errorf("refused: %s", e.Reason)
	}

	// Her other messages once more: nothing happens. Then Ada's next key counts.
	p.Replay(string(bot.User()))
	sendKey(t, ada, bot, room, "", 1, bytes.Repeat([]byte{1}, 16))
	bot1.until(t, "Ada's next key", func(e CallEvent) bool { return e.Kind == Keyed && e.Index == 1 })

	// Other cross-signing keys: Ada counts no more, at once.
	device, cross := forge(t, eve, ada.User(), "GHOST", true)
	p.AddDevice(string(ada.User()), "GHOST", device)
	p.SwapKeys(string(ada.User()), cross, string(bot.User()))
	e = bot1.until(t, "the swap", func(e CallEvent) bool { return e.Kind == Stood && e.Caller.Device == ada.Device() })
	if e.Caller.Standing != Unsigned || !strings.Contains(e.Reason, "master key") {
		t.Errorf("after the swap Ada is %s: %s", e.Caller.Standing, e.Reason)
	}
	sendKey(t, ada, bot, room, "", 2, bytes.Repeat([]byte{2}, 16))
	e = bot1.until(t, "her key after that", func(e CallEvent) bool { return e.Kind == Refused && e.Caller.Device == ada.Device() })
	if !strings.Contains(e.Reason, "pinned") || e.Caller.Name == "" {
		t.Errorf("refused: %+v", e)
	}
	sendKey(t, ghost, bot, room, "", 0, bytes.Repeat([]byte{9}, 16))
	// Her own keys again, and everything counts again.
	p.SwapKeys(string(ada.User()), nil, string(bot.User()))
	e = bot1.until(t, "the end of it", func(e CallEvent) bool { return e.Kind == Stood && e.Caller.Device == ada.Device() })
	if e.Caller.Standing != Pinned {
		t.Errorf("then Ada is %s: %s", e.Caller.Standing, e.Reason)
	}
	bot1.until(t, "the key that waited", func(e CallEvent) bool { return e.Kind == Keyed && e.Index == 2 })
	if bot1.heard(func(e CallEvent) bool {
		return e.Kind == Keyed && (e.Caller.User != ada.User() || e.Caller.Device != ada.Device() || e.Caller.Standing < Signed)
	}) {
		t.Errorf("a key counts that should not: %s", kinds(bot1.events))
	}
	bot1.mu.Lock()
	defer bot1.mu.Unlock()
	bot1.Call.mu.Lock()
	defer bot1.Call.mu.Unlock()
	for to := range bot1.sent {
		if to != (Target{ada.User(), ada.Device()}) {
			t.Errorf("the recorder's key went to %v", to)
		}
	}
}
