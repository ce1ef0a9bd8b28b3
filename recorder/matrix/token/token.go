// Package token asks token services for what lets a device into a LiveKit room. Members of a call
// name them, and are believed nothing else: what a service is asked with proves who this device is,
// so it goes to that service alone (no redirects), and to no address that is nearer to this machine
// than its homeserver's (Reach).
package token

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

	"github.com/sealtape/sealtape/recorder/media"
)

// A Token lets this device into a LiveKit room.
type Token struct {
	URL      string // of the LiveKit server
	JWT      string
	Identity string // that this device will have there; "" if it cannot be read
}

// AllowsData reports whether it lets its owner send data.
func (t Token) AllowsData() bool {
	var v struct {
		Video struct {
			Publish *bool `json:"canPublish"`
			Data    *bool `json:"canPublishData"`
		} `json:"video"`
	}
	if !claims(t.JWT, &v) {
		return false
	}
	switch {
	case v.Video.Data != nil:
		return *v.Video.Data
	case v.Video.Publish != nil:
		return *v.Video.Publish
	}
	return true
}

// An Error says why a token service gave no token.
type Error struct {
	Service string
	Status  int    // of HTTP; 0 if it gave no answer that can be read
	Reason  string // as the service says
	Err     error  // or why there is no answer
}

func (e *Error) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("the token service %s gave no token: %v", e.Service, e.Err)
	case e.Reason != "":
		return fmt.Sprintf("the token service %s refused: %s (status %d)", e.Service, e.Reason, e.Status)
	}
	return fmt.Sprintf("the token service %s refused: status %d", e.Service, e.Status)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Bounds of a service's answer, of a name in its token, and of the time that it has.
const (
	maxAnswer   = 64 << 10
	maxIdentity = 765 // bytes
	maxReason   = 255 // characters
	timeout     = 20 * time.Second
)

// Ask asks a service, a URL without a slash at its end, for a token: body is posted as JSON to
// path below it. The error is an *Error but where body cannot be written.
func Ask(ctx context.Context, r Reach, service, path string, body any) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	failed := &Error{Service: service}
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
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
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
			failed.Reason = media.Plain(v.Error+" "+v.Code, maxReason)
		}
		return Token{}, failed
	}
	var v struct{ URL, JWT string }
	if len(answer) > maxAnswer || json.Unmarshal(answer, &v) != nil || v.JWT == "" {
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
	var v struct {
		Subject string `json:"sub"`
	}
	if !claims(jwt, &v) || len(v.Subject) > maxIdentity {
		return ""
	}
	return v.Subject
}

// claims reads what a JWT says, which is not checked, and reports whether it could.
func claims(jwt string, v any) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(b, v) == nil
}
