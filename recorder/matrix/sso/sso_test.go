package sso

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sealtape/sealtape/testdata/servers/homeserver"
)

// The listener takes one token, by its own address, and nothing else.
func TestBack(t *testing.T) {
	b := newBack("127.0.0.1:1234")
	ask := func(method, host, target string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		r.Host = host
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Error("the address, with the token, may go elsewhere")
		}
		if strings.Contains(w.Body.String(), "TOKEN") || strings.Contains(w.Body.String(), b.path) {
			t.Errorf("it says %s", w.Body)
		}
		return w.Code
	}
	for _, c := range []struct {
		name, method, host, target string
		want                       int
	}{
		{"another state", "GET", b.host, "/sealtape/00000000000000000000000000000000?loginToken=TOKEN", 404},
		{"no state", "GET", b.host, "/?loginToken=TOKEN", 404},
		{"no token", "GET", b.host, b.path, 404},
		{"an empty token", "GET", b.host, b.path + "?loginToken=", 404},
		{"two tokens", "GET", b.host, b.path + "?loginToken=TOKEN&loginToken=TOKEN2", 404},
		{"a long token", "GET", b.host, b.path + "?loginToken=" + strings.Repeat("x", maxToken), 404},
		{"another name", "GET", "evil.test:1234", b.path + "?loginToken=TOKEN", 403},
		{"a form", "POST", b.host, b.path + "?loginToken=TOKEN", 403},
		{"the token", "GET", b.host, b.path + "?loginToken=TOKEN", 200},
		{"once more", "GET", b.host, b.path + "?loginToken=TOKEN", 410},
		{"another", "GET", b.host, b.path + "?loginToken=TOKEN2", 410},
	} {
		if got := ask(c.method, c.host, c.target); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := <-b.token; got != "TOKEN" {
		t.Errorf("the token is %q", got)
	}
	other := newBack("127.0.0.1:1")
	for _, address := range []string{"", "nonsense", b.url() + "?loginToken=TOKEN", "https://127.0.0.1:1" + other.path + "?loginToken=TOKEN", other.url(), "http://[::1?loginToken=TOKEN"} {
		if err := other.paste(address); !errors.Is(err, errOtherPage) || strings.Contains(err.Error(), "TOKEN") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := other.paste("  " + other.url() + "?loginToken=T%2B1\n"); err != nil || <-other.token != "T+1" {
		t.Errorf("a copied address: %v", err)
	}
}

// Where there is no page, or nobody uses it, that is said.
func TestFails(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"flows":[{"type":"m.login.password"}]}`)
	}))
	defer plain.Close()
	if _, _, err := (SignOn{User: "@ada:meet.test", Homeserver: plain.URL}).Token(t.Context()); !errors.Is(err, ErrNoSSO) {
		t.Errorf("a homeserver without it: %v", err)
	}
	for _, s := range []SignOn{{User: "ada"}, {User: "@ada:x", Homeserver: "javascript:alert(1)"}, {User: "@ada:x", Homeserver: "file:///etc/passwd"}} {
		if _, _, err := s.Token(t.Context()); err == nil {
			t.Errorf("%+v is one", s)
		}
	}
	p, err := homeserver.New(plain.URL, homeserver.Config{}) // its pages are its own
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.SignOn(func() (string, string) { return "", "" })
	ctx, cancel := context.WithCancel(t.Context())
	var opened, pasting sync.WaitGroup
	opened.Add(1)
	pasting.Add(1)
	go func() { opened.Wait(); pasting.Wait(); cancel() }()
	_, _, err = SignOn{User: "@ada:meet.test", Homeserver: p.URL, Open: func(context.Context, string) error { opened.Done(); return nil },
		Paste: func(ctx context.Context) (string, error) { pasting.Done(); <-ctx.Done(); return "", ctx.Err() }}.Token(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nobody logs in: %v", err)
	}
	// On another machine, the operator copies the address.
	var page string
	asked := 0
	token, _, err := SignOn{User: "@ada:meet.test", Homeserver: p.URL, Open: func(_ context.Context, url string) error { page = url; return nil },
		Paste: func(ctx context.Context) (string, error) {
			if asked++; asked == 1 {
				return "", nil // Enter
			}
			c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
			if err != nil {
				return "", err
			}
			resp, err := c.Do(req)
			if err != nil {
				return "", err
			}
			return resp.Header.Get("Location"), resp.Body.Close()
		}}.Token(t.Context())
	if err != nil || len(token) == 0 || asked != 2 {
		t.Errorf("an address that was copied: %v, asked %d times", err, asked)
	}
	_, _, err = SignOn{User: "@ada:meet.test", Homeserver: p.URL, Open: func(context.Context, string) error { return nil },
		Paste: func(context.Context) (string, error) { return "http://127.0.0.1/", nil }}.Token(t.Context())
	if !errors.Is(err, errOtherPage) {
		t.Errorf("other addresses: %v", err)
	}
}
