package matrix

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"
)

func reachOf(t *testing.T, home string, listed ...string) reach {
	t.Helper()
	u, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	return reach{u, listed}
}

// A service that a member names does not lead into the network that this machine is in.
func TestReach(t *testing.T) {
	for _, test := range []struct {
		home, service string
		listed        []string
		want          string // part of why not; "" if it is asked
	}{
		{"https://192.0.2.1", "https://198.51.100.7/jwt", nil, ""},
		{"https://192.0.2.1", "http://198.51.100.7/jwt", nil, "without encryption"},
		{"http://192.0.2.1", "http://198.51.100.7/jwt", nil, ""},
		{"https://192.0.2.1", "https://10.0.0.5", nil, "local network"},
		{"https://192.0.2.1", "https://100.64.1.1", nil, "local network"},
		{"https://192.0.2.1", "https://[fd00::1]", nil, "local network"},
		{"https://192.0.2.1", "https://[::ffff:10.0.0.5]", nil, "local network"},
		{"https://192.0.2.1", "http://127.0.0.1:8080", nil, "local network"},
		{"https://10.1.0.1", "https://10.0.0.5", nil, ""},
		{"https://10.1.0.1", "https://127.0.0.1", nil, "local network"},
		{"http://127.0.0.1:8008", "http://127.0.0.1:8080", nil, ""},
		{"http://127.0.0.1:8008", "http://169.254.169.254/latest", nil, "none of a server"},
		{"https://169.254.1.1", "https://169.254.169.254", nil, "none of a server"},
		{"https://192.0.2.1", "https://0.0.0.0", nil, "none of a server"},
		{"https://192.0.2.1", "https://[fe80::1%25lo]", nil, "none of a server"},
		{"https://192.0.2.1", "http://10.0.0.5/jwt", []string{"http://10.0.0.5/jwt/"}, ""},
		{"https://192.0.2.1", "https://198.51.100.7/jwt", []string{"https://10.0.0.5/jwt"}, "does not allow"},
	} {
		_, err := reachOf(t, test.home, test.listed...).client(t.Context(), test.service)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s from %s: %v, want %q", test.service, test.home, err, test.want)
		}
		u, _ := url.Parse(strings.Replace(test.service, "http", "ws", 1))
		if test.listed == nil && (reachOf(t, test.home).server(t.Context(), u) == nil) != (test.want == "") {
			t.Errorf("the LiveKit server %s from %s: want %q", u, test.home, test.want)
		}
	}
	if n := nearnessOf(netip.Addr{}); n != special {
		t.Errorf("no address is %d", n)
	}
	// The address is looked at when it is connected to, too: a name may have another by then.
	client, err := reachOf(t, "https://192.0.2.1").client(t.Context(), "https://198.51.100.7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get("http://127.0.0.1:1/"); err == nil || !strings.Contains(err.Error(), "local network") {
		t.Errorf("connected to a nearer address: %v", err)
	}
}

// What proves who this device is goes to the service alone, and its LiveKit server must not
// be nearer, either.
func TestAskToken(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	answer := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer == "" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return
		}
		io.WriteString(w, answer)
	}))
	defer s.Close()
	r := reachOf(t, "http://127.0.0.1:8008")
	_, err := askToken(t.Context(), r, s.URL, "/sfu/get", "secret")
	if e, ok := errors.AsType[*TokenError](err); !ok || e.Status != http.StatusTemporaryRedirect || elsewhere != 0 {
		t.Errorf("a redirect: %v, followed %d times", err, elsewhere)
	}
	answer = `{"url":"ws://169.254.169.254/","jwt":"a.b.c"}`
	if _, err = askToken(t.Context(), r, s.URL, "/sfu/get", ""); !errors.Is(err, ErrNotAsked) {
		t.Errorf("a LiveKit server of the link: %v", err)
	}
	answer = `{"url":"ws://127.0.0.1:7880","jwt":"a.b.c"}`
	if got, err := askToken(t.Context(), r, s.URL, "/sfu/get", ""); err != nil || got.URL != "ws://127.0.0.1:7880" {
		t.Errorf("a token: %+v, %v", got, err)
	}
}

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
	c.own.entered, c.own.said = true, announcement{user: "@bot:x", device: "D", room: "!r:x", service: s.URL}
	for _, test := range []struct {
		sub string
		ok  bool
	}{
		{"@bot:x:D", true}, {StickyIdentity("@bot:x", "D", "@bot:x:D"), true}, {"", true},
		{"@ada:x:A", false}, {StickyIdentity("@ada:x", "A", "@ada:x:A"), false}, {"agent", false},
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
	return &Call{a: bareAccount(t, homeserver), c: CallConfig{Room: "!r:x"}, t: usualTiming, wake: make(chan struct{}, 1), room: newRoomState(), roster: newRoster(),
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

// No server has a password sent in the clear.
func TestDiscovered(t *testing.T) {
	for base, ok := range map[string]bool{"https://hs.example.org": true, "http://hs.example.org": false, "hs.example.org": false, "https:": false} {
		if got, err := discovered("example.org", base); (err == nil) != ok || ok && got != base {
			t.Errorf("%q: %q, %v", base, got, err)
		}
	}
}
