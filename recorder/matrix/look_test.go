package matrix

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/sealed"
)

// What is shown of an account can be shown while it is used, and says what the
// homeserver says.
func TestLook(t *testing.T) {
	ada, home, _, _ := logIn(t)
	bob, bobHome, _, _ := logIn(t)
	user := string(ada.User())
	l, err := home.Look(user)
	device, master, kerr := ada.Keys()
	if err != nil || kerr != nil || !l.Held || l.User != user || l.Device != string(ada.Device()) || l.Fingerprint != string(device) || l.Master != string(master) {
		t.Errorf("%+v, %v, %v", l, err, kerr)
	}
	if _, err := home.Look("@nobody:meet.test"); !errors.Is(err, sealed.ErrNoAccount) {
		t.Errorf("of nobody: %v", err)
	}

	encrypted := encryptedRoom(t, ada, bob)
	plain, err := ada.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Name: "Plain\u202e talk", Invite: []id.UserID{bob.User()}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ada.client.SendStateEvent(t.Context(), encrypted, rtc.StateMember, rtc.Announcement{User: ada.User(), Device: ada.Device()}.StateKey(),
		rtc.Announcement{User: ada.User(), Device: ada.Device(), Room: encrypted, Service: "https://sfu.test", Expires: 4 * time.Hour}.StateContent())
	if err != nil {
		t.Fatal(err)
	}
	health, err := bobHome.Health(t.Context(), string(bob.User()))
	if err != nil {
		t.Fatal(err)
	}
	if !health.Signed || health.OneTimeKeys != 50 || !health.Delayed || !health.Sticky {
		t.Errorf("%+v", health)
	}
	for _, r := range health.Rooms {
		switch r.ID {
		case string(plain.RoomID):
			if !r.Invited || len(r.Lacks) > 0 {
				t.Errorf("an invitation is %+v", r)
			}
		case string(encrypted):
			if r.Invited || !slices.Equal(r.Services, []string{"https://sfu.test"}) {
				t.Errorf("an encrypted room is %+v", r)
			}
			power, ok := errors.AsType[*rtc.PowerError](errors.Join(r.Lacks...))
			if len(r.Lacks) != 1 || !ok || power.Event != rtc.StateMember.Type || power.Has != 0 || power.Needs != 50 {
				t.Errorf("an encrypted room lacks %v", r.Lacks)
			}
		default:
			t.Errorf("room %+v", r)
		}
	}
	if len(health.Rooms) != 2 {
		t.Errorf("%d rooms", len(health.Rooms))
	}
	health, err = home.Health(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(health.Rooms, func(r RoomHealth) bool { return r.ID == string(plain.RoomID) })
	if i < 0 || health.Rooms[i].Name != "Plain talk" || len(health.Rooms[i].Lacks) != 1 || !errors.Is(health.Rooms[i].Lacks[0], ErrNotEncrypted) {
		t.Errorf("%+v", health.Rooms)
	}
	// Looking took nothing from the account.
	send(t, bob, ada, `{"n":1}`)
	if _, err := home.Health(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, ada, 1)[0]; string(got.Content) != `{"n":1}` {
		t.Errorf("Ada got %+v", got)
	}
	if _, err := ada.client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Health(t.Context(), user); !errors.Is(err, ErrLoggedOut) {
		t.Errorf("after a logout: %v", err)
	}
}

// encryptedRoom makes an encrypted room of two, as clients make private ones.
func encryptedRoom(t *testing.T, a, b *Account) id.RoomID {
	t.Helper()
	resp, err := a.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{b.User()}, InitialState: []*event.Event{{
		Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.JoinRoomByID(t.Context(), resp.RoomID); err != nil {
		t.Fatal(err)
	}
	return resp.RoomID
}

// If logging in fails once the account has cross-signing keys, what opens them is not lost.
func TestRecoveryKeyOfFailure(t *testing.T) {
	login := newUser(t)
	upstream, err := url.Parse(login.Homeserver)
	if err != nil {
		t.Fatal(err)
	}
	fail := "/keys/signatures/upload"
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, fail) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	login.Homeserver = server.URL
	home := newHome(t)
	for _, fail = range []string{"/device_signing/upload", "/keys/signatures/upload"} {
		_, recovery, err := home.New(t.Context(), login, logger())
		if err == nil || login.RecoveryKey == nil && len(recovery) < 40 {
			t.Fatalf("%s fails: recovery key %q, %v", fail, recovery, err)
		}
		if login.RecoveryKey == nil {
			login.RecoveryKey = []byte(recovery)
		}
	}
	fail = "/none"
	a, _, err := home.New(t.Context(), login, logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if health, err := home.Health(t.Context(), login.User); err != nil || !health.Signed {
		t.Errorf("%+v, %v", health, err)
	}
}
