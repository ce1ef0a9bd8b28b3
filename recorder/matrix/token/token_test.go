package token

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func reachOf(t *testing.T, home string, listed ...string) Reach {
	t.Helper()
	u, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	return Reach{u, listed}
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
func TestAsk(t *testing.T) {
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
	_, err := Ask(t.Context(), r, s.URL, "/sfu/get", "secret")
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusTemporaryRedirect || elsewhere != 0 {
		t.Errorf("a redirect: %v, followed %d times", err, elsewhere)
	}
	answer = `{"url":"ws://169.254.169.254/","jwt":"a.b.c"}`
	if _, err = Ask(t.Context(), r, s.URL, "/sfu/get", ""); !errors.Is(err, ErrNotAsked) {
		t.Errorf("a LiveKit server of the link: %v", err)
	}
	answer = `{"url":"ws://127.0.0.1:7880","jwt":"a.b.c"}`
	if got, err := Ask(t.Context(), r, s.URL, "/sfu/get", ""); err != nil || got.URL != "ws://127.0.0.1:7880" {
		t.Errorf("a token: %+v, %v", got, err)
	}
}
