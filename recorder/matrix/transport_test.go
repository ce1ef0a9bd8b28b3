package matrix

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A token is not used under a name that somebody else has or will have.
func TestTokenIdentity(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_matrix/client/v3/user/{user}/openid/request_token", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"access_token":"x"}`) })
	sub := ""
	mux.HandleFunc("POST /sfu/get", func(w http.ResponseWriter, _ *http.Request) {
		claims, _ := json.Marshal(map[string]string{"sub": sub})
		json.NewEncoder(w).Encode(map[string]string{"url": "ws://127.0.0.1:7880", "jwt": "a." + base64.RawURLEncoding.EncodeToString(claims) + ".c"})
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	c := bareCall(t, s.URL)
	c.own.entered, c.own.said = true, rtc.Announcement{User: "@bot:x", Device: "D", Room: "!r:x", Service: s.URL}
	for _, test := range []struct {
		sub string
		ok  bool
	}{
		{"@bot:x:D", true}, {rtc.Identities(rtc.Member{User: "@bot:x", Device: "D"})[1], true}, {"", true},
		{"@ada:x:A", false}, {rtc.Identities(rtc.Member{User: "@ada:x", Device: "A"})[1], false}, {"agent", false},
	} {
		sub = test.sub
		got, err := c.Token(t.Context(), s.URL)
		if (err == nil) != test.ok || test.sub == "" && got.Identity != "@bot:x:D" {
			t.Errorf("a token of %q: %+v, %v", test.sub, got, err)
		}
	}
}

// bareCall is a call of an account that is nowhere, at a homeserver of this URL.
func bareCall(t *testing.T, homeserver string) *Call {
	t.Helper()
	return &Call{a: bareAccount(t, homeserver), c: CallConfig{Room: "!r:x"}, t: usualTiming, wake: make(chan struct{}, 1), room: rtc.NewRoom(), roster: rtc.NewRoster(),
		callers: make(map[Target]*caller), keys: newHeldKeys(), sent: make(map[Target]*sending), hands: make(map[id.EventID]hand), refused: make(map[refusal]bool), heard: make(map[Target]bool),
		own: presence{again: make(chan struct{}, 1)}}
}

func bareAccount(t *testing.T, homeserver string) *Account {
	t.Helper()
	s, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	s.Homeserver, s.User, s.Device = homeserver, "@bot:x", "D"
	a, err := newAccount(nil, s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}
