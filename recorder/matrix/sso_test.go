package matrix

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/matrix/sso"
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
	page := sso.SignOn{User: ada.User, Homeserver: p.URL, Open: func(_ context.Context, url string) error {
		go func() {
			status, text := visit(t, url)
			if status != http.StatusOK || !strings.Contains(text, "You can close this page") {
				t.Errorf("the browser is shown %d %s", status, text)
			}
		}()
		return nil
	}}
	token, at, err := page.Token(t.Context())
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
	if login.Token, _, err = page.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	home := newHome(t)
	if _, _, err := home.New(t.Context(), login, logger()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), bob.User) {
		t.Errorf("another's token: %v", err)
	}
	if names, err := home.Users(); err != nil || len(names) != 0 {
		t.Errorf("accounts %v are kept, %v", names, err)
	}
	if strings.Contains(shared.log.String(), string(token)) {
		t.Error("the token was logged")
	}
}
