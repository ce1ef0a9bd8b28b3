package matrix

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Token lets this device into a LiveKit room.
type Token struct {
	URL      string // of the LiveKit server
	JWT      string
	Identity string // that this device will have there
}

// A TokenError says why a token service gave no token.
type TokenError struct {
	Service string
	Status  int    // of HTTP; 0 if it gave no answer that can be read
	Reason  string // as the service says
	Err     error  // or why there is no answer
}

func (e *TokenError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("the token service %s gave no token: %v", e.Service, e.Err)
	case e.Reason != "":
		return fmt.Sprintf("the token service %s refused: %s (status %d)", e.Service, e.Reason, e.Status)
	}
	return fmt.Sprintf("the token service %s refused: status %d", e.Service, e.Status)
}

// Unwrap returns Err.
func (e *TokenError) Unwrap() error { return e.Err }

// Bounds of a token service's answer, and of the time that it has.
const (
	maxTokenAnswer = 64 << 10
	tokenTimeout   = 20 * time.Second
)

// Token gets a token for the LiveKit room of the call at a token service, which a
// member named. This device must have entered (ErrNotEntered): its identity there is
// that of its membership. What the service says is a *TokenError.
func (c *Call) Token(ctx context.Context, service string) (Token, error) {
	own, identity, entered := c.Own()
	if !entered {
		return Token{}, ErrNotEntered
	}
	if list := services([]transport{{"livekit", service}}); len(list) != 1 {
		return Token{}, &TokenError{Service: service, Err: errors.New("its URL is none")}
	}
	if _, err := c.a.reach(c.c.Services).client(ctx, service); err != nil {
		return Token{}, &TokenError{Service: service, Err: err}
	}
	openID, err := c.openID(ctx)
	if err != nil {
		return Token{}, err
	}
	path, body := "/sfu/get", map[string]any{"room": c.c.Room, "device_id": own.Device, "openid_token": openID}
	if own.Sticky {
		path, body = "/get_token", map[string]any{"room_id": c.c.Room, "slot_id": slot, "openid_token": openID,
			"member": map[string]any{"id": own.ID, "claimed_user_id": own.User, "claimed_device_id": own.Device}}
	}
	t, err := askToken(ctx, c.a.reach(c.c.Services), service, path, body)
	if err != nil {
		return Token{}, err
	}
	if t.Identity == "" { // the service keeps it to itself
		t.Identity = identity
	}
	// Another's may be that of somebody who is to come, whose media would be taken for ours.
	if !slices.Contains(identities(own), t.Identity) {
		return Token{}, &TokenError{Service: service, Err: errors.New("its token is another member's")}
	}
	return t, nil
}

// openID gets a token by which the homeserver tells others who we are.
func (c *Call) openID(ctx context.Context) (json.RawMessage, error) {
	var v json.RawMessage
	_, err := c.a.client.MakeRequest(ctx, http.MethodPost, c.a.client.BuildClientURL("v3", "user", c.a.state.User, "openid", "request_token"), struct{}{}, &v)
	if err != nil {
		return nil, fmt.Errorf("could not get an OpenID token: %w", loggedOut(err))
	}
	if len(v) == 0 || len(v) > maxTokenAnswer {
		return nil, errors.New("could not get an OpenID token: the homeserver's answer is none")
	}
	return v, nil
}

// askToken asks a token service, if this device goes there.
func askToken(ctx context.Context, r reach, service, path string, body any) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	failed := &TokenError{Service: service}
	client, err := r.client(ctx, service)
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	defer client.CloseIdleConnections()
	raw, err := json.Marshal(body)
	if err != nil {
		return Token{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, service+path, bytes.NewReader(raw))
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Sealtape")
	resp, err := client.Do(req)
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer+1))
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	if failed.Status = resp.StatusCode; resp.StatusCode != http.StatusOK {
		var v struct {
			Code  string `json:"errcode"`
			Error string `json:"error"`
		}
		if json.Unmarshal(answer, &v) == nil {
			failed.Reason = plainName(strings.TrimSpace(v.Error + " " + v.Code))
		}
		return Token{}, failed
	}
	var v struct{ URL, JWT string }
	if len(answer) > maxTokenAnswer || json.Unmarshal(answer, &v) != nil || v.JWT == "" {
		failed.Err = errors.New("its answer is none")
		return Token{}, failed
	}
	u, err := url.Parse(v.URL)
	if err != nil || u.Host == "" || u.User != nil || !slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) {
		failed.Err = errors.New("it names no LiveKit server")
		return Token{}, failed
	}
	if err := r.server(ctx, u); err != nil {
		failed.Err = fmt.Errorf("the LiveKit server %s that it names: %w", u.Host, err)
		return Token{}, failed
	}
	return Token{URL: v.URL, JWT: v.JWT, Identity: subject(v.JWT)}, nil
}

// subject returns the identity in a LiveKit token, "" if there is none to be read.
// Only LiveKit can check it.
func subject(jwt string) string {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return ""
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var v struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(b, &v) != nil || len(v.Subject) > 3*maxName {
		return ""
	}
	return v.Subject
}
