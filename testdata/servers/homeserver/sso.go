package homeserver

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A signOn is the single sign-on of a homeserver whose users, but for the tests, have
// no password: its pages ask nothing, and say who is to come.
type signOn struct {
	next     func() (user, password string) // who signs in next, nil if there is none
	tokens   map[string][2]string           // user and password by login token, for one use
	sessions map[string]bool                // of the fallback page, whether it was confirmed
	owners   map[string]string              // passwords by access token
	asked    []string                       // what the page was asked to lead back to
}

// SignOn gives the homeserver a single sign-on, by which whoever next returns signs in;
// the password is what the homeserver behind has for them. What needs a password is
// confirmed on a page then.
func (p *Proxy) SignOn(next func() (user, password string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signOn = signOn{next: next, tokens: make(map[string][2]string), sessions: make(map[string]bool), owners: make(map[string]string)}
}

// SignOns returns the addresses to which the page for signing in led back.
func (p *Proxy) SignOns() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.signOn.asked)
}

// single answers what belongs to the single sign-on, and reports whether it did.
func (p *Proxy) single(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	on := p.signOn.next != nil
	p.mu.Unlock()
	path, get := r.URL.Path, r.Method == http.MethodGet
	switch {
	case !on:
		return false
	case get && strings.HasSuffix(path, "/login"):
		answer(w, http.StatusOK, map[string]any{"flows": []any{map[string]string{"type": "m.login.sso"}, map[string]string{"type": "m.login.token"}}})
	case get && strings.HasSuffix(path, "/login/sso/redirect"):
		p.signIn(w, r)
	case get && strings.HasSuffix(path, "/auth/m.login.sso/fallback/web"):
		p.mu.Lock()
		defer p.mu.Unlock()
		id := r.URL.Query().Get("session")
		if _, ok := p.signOn.sessions[id]; !ok {
			fail(w, http.StatusNotFound, "M_NOT_FOUND", "no such session")
			return true
		}
		p.signOn.sessions[id] = true
		answer(w, http.StatusOK, "confirmed")
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/login"):
		return p.tokenLogin(w, r)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/keys/device_signing/upload"):
		return p.confirmed(w, r)
	default:
		return false
	}
	return true
}

// signIn leads to where the client wants to go back to, with a token.
func (p *Proxy) signIn(w http.ResponseWriter, r *http.Request) {
	back, err := url.Parse(r.URL.Query().Get("redirectUrl"))
	if err != nil || back.Host == "" {
		fail(w, http.StatusBadRequest, "M_INVALID_PARAM", "redirectUrl is none")
		return
	}
	p.mu.Lock()
	token := rand.Text()
	user, password := p.signOn.next()
	p.signOn.tokens[token] = [2]string{user, password}
	p.signOn.asked = append(p.signOn.asked, back.String())
	p.mu.Unlock()
	q := back.Query()
	q.Set("loginToken", token)
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// tokenLogin turns a login by a token into one by the password. It reports whether
// the request is answered.
func (p *Proxy) tokenLogin(w http.ResponseWriter, r *http.Request) bool {
	v := readBody(r)
	if v["type"] != "m.login.token" {
		return false
	}
	token, _ := v["token"].(string)
	p.mu.Lock()
	who, ok := p.signOn.tokens[token]
	delete(p.signOn.tokens, token)
	p.mu.Unlock()
	if !ok {
		fail(w, http.StatusForbidden, "M_FORBIDDEN", "the token is of no use")
		return true
	}
	delete(v, "token")
	v["type"], v["password"], v["identifier"] = "m.login.password", who[1], map[string]any{"type": "m.id.user", "user": who[0]}
	setBody(r, v)
	// Who this is, is known once the answer has a token.
	r.Header.Set("X-Sign-On", who[1])
	return false
}

// signedOn remembers whose an access token is.
func (p *Proxy) signedOn(r *http.Request, token string) {
	if password := r.Header.Get("X-Sign-On"); password != "" && p.signOn.owners != nil {
		p.signOn.owners[token] = password
	}
}

// confirmed wants a page to be confirmed before keys are published.
func (p *Proxy) confirmed(w http.ResponseWriter, r *http.Request) bool {
	v := readBody(r)
	auth, _ := v["auth"].(map[string]any)
	id, _ := auth["session"].(string)
	p.mu.Lock()
	password, known := p.signOn.owners[bearer(r)]
	done := p.signOn.sessions[id]
	if known && !done && id == "" {
		id = rand.Text()
		p.signOn.sessions[id] = false
	}
	user := p.users[bearer(r)]
	p.mu.Unlock()
	switch {
	case !known:
		setBody(r, v)
		return false
	case !done:
		answer(w, http.StatusUnauthorized, map[string]any{"session": id, "params": struct{}{}, "flows": []any{map[string]any{"stages": []string{"m.login.sso"}}}})
		return true
	}
	v["auth"] = map[string]any{"type": "m.login.password", "password": password, "identifier": map[string]any{"type": "m.id.user", "user": user}}
	setBody(r, v)
	return false
}

func readBody(r *http.Request) map[string]any {
	b, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v map[string]any
	if err != nil || d.Decode(&v) != nil || v == nil {
		return make(map[string]any)
	}
	return v
}

func setBody(r *http.Request, v map[string]any) {
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
}
