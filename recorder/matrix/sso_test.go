package matrix

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

// visit does what a browser does: it follows redirects, and returns what it is shown.
func visit(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(b)
}

// own returns a proxy of this test's own before the homeserver that tests share.
func own(t *testing.T) *homeserver.Proxy {
	t.Helper()
	server(t)
	p, err := homeserver.New(shared.dendrite.URL, homeserver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Who has no password logs in on a page, and confirms the cross-signing keys on
// another. The token is for one use, and for one user.
func TestSSO(t *testing.T) {
	p := own(t)
	ada, bob := newUser(t), newUser(t)
	who := ada
	p.SignOn(func() (string, string) { return who.User, password })
	sso := SSO{User: ada.User, Homeserver: p.URL, Open: func(_ context.Context, url string) error {
		go func() {
			status, text := visit(t, url)
			if status != http.StatusOK || !strings.Contains(text, "You can close this page") {
				t.Errorf("the browser is shown %d %s", status, text)
			}
		}()
		return nil
	}}
	token, at, err := sso.Token(t.Context())
	if err != nil || at != p.URL || len(token) == 0 {
		t.Fatalf("%q, %v", at, err)
	}
	if back := p.SignOns()[0]; !strings.HasPrefix(back, "http://127.0.0.1:") {
		t.Errorf("the page leads back to %s", back)
	} else if _, err := http.Get(back + "?loginToken=another"); err == nil {
		t.Error("the listener is there still")
	}
	confirmed := 0
	login := Login{User: ada.User, Homeserver: at, Token: token, Browser: func(_ context.Context, url string) error {
		confirmed++
		go visit(t, url) // it is waited for
		return nil
	}}
	a, recovery, err := newHome(t).New(t.Context(), login, logger())
	if err != nil || recovery == "" || confirmed != 1 {
		t.Fatalf("recovery key %q, %d pages, %v", recovery, confirmed, err)
	}
	defer a.Close()
	if err := a.Follow(t.Context(), a.User()); err != nil {
		t.Fatal(err)
	}
	signing, identity, err := a.state.account.IdentityKeys()
	if err != nil {
		t.Fatal(err)
	}
	if _, standing := a.Standing(a.User(), identity, signing); standing < Signed {
		t.Errorf("the device is %s", standing)
	}
	// Once more with the same token, and with one of another user.
	if _, _, err := newHome(t).New(t.Context(), login, logger()); !errors.Is(err, ErrRefused) {
		t.Errorf("a token that was used: %v", err)
	}
	who = bob
	if login.Token, _, err = sso.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	home := newHome(t)
	if _, _, err := home.New(t.Context(), login, logger()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), bob.User) {
		t.Errorf("another's token: %v", err)
	}
	if names, err := home.Accounts(); err != nil || len(names) != 0 {
		t.Errorf("accounts %v are kept, %v", names, err)
	}
	if strings.Contains(shared.log.String(), string(token)) {
		t.Error("the token was logged")
	}
}

// The listener takes one token, by its own address, and nothing else.
func TestSSOBack(t *testing.T) {
	b := newSSOBack("127.0.0.1:1234")
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
	other := newSSOBack("127.0.0.1:1")
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
func TestSSOFails(t *testing.T) {
	if _, _, err := (SSO{User: newUser(t).User, Homeserver: shared.proxy.URL}).Token(t.Context()); !errors.Is(err, ErrNoSSO) {
		t.Errorf("a homeserver without it: %v", err)
	}
	for _, s := range []SSO{{User: "ada"}, {User: "@ada:x", Homeserver: "javascript:alert(1)"}, {User: "@ada:x", Homeserver: "file:///etc/passwd"}} {
		if _, _, err := s.Token(t.Context()); err == nil {
			t.Errorf("%+v is one", s)
		}
	}
	p := own(t)
	p.SignOn(func() (string, string) { return "", "" })
	ctx, cancel := context.WithCancel(t.Context())
	var opened, pasting sync.WaitGroup
	opened.Add(1)
	pasting.Add(1)
	go func() { opened.Wait(); pasting.Wait(); cancel() }()
	_, _, err := SSO{User: "@ada:meet.test", Homeserver: p.URL, Open: func(context.Context, string) error { opened.Done(); return nil },
		Paste: func(ctx context.Context) (string, error) { pasting.Done(); <-ctx.Done(); return "", ctx.Err() }}.Token(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nobody logs in: %v", err)
	}
	// On another machine, the operator copies the address.
	var page string
	asked := 0
	token, _, err := SSO{User: "@ada:meet.test", Homeserver: p.URL, Open: func(_ context.Context, url string) error { page = url; return nil },
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
	_, _, err = SSO{User: "@ada:meet.test", Homeserver: p.URL, Open: func(context.Context, string) error { return nil },
		Paste: func(context.Context) (string, error) { return "http://127.0.0.1/", nil }}.Token(t.Context())
	if !errors.Is(err, errOtherPage) {
		t.Errorf("other addresses: %v", err)
	}
}
