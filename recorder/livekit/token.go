package livekit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/livekit/protocol/auth"
)

var (
	// ErrHidden: the token would hide the recorder from the members.
	ErrHidden = errors.New("the token hides the recorder from the room")
	// ErrNoData: the token does not let the recorder send data to the room.
	ErrNoData = errors.New("the token does not let the recorder send data")
	// ErrNoSubscribe: the token does not let the recorder receive media.
	ErrNoSubscribe = errors.New("the token does not let the recorder subscribe")
	// ErrToken: the token is malformed, expired, or for another room.
	ErrToken = errors.New("bad token")
	// ErrUnauthorized: the server refused the token or the API key.
	ErrUnauthorized = errors.New("the server refused the credentials")
	// ErrNoRoom: there is no such room, and the server makes none for those who
	// join.
	ErrNoRoom = errors.New("there is no such room")
	// ErrUnreachable: nothing answers at the URL, or something that is no LiveKit
	// server.
	ErrUnreachable = errors.New("no LiveKit server answers")
)

// errNoFreshToken: the only token is no longer valid.
var errNoFreshToken = errors.New("no fresh token to join again with")

// tokenLife is how long a minted token can be used to join. The server sends a
// fresh one while the recorder is connected.
const tokenLife = 10 * time.Minute

// fresh returns a new token from TokenFunc, or mints one.
func fresh(ctx context.Context, c Config) (string, error) {
	if c.TokenFunc == nil {
		return mint(c)
	}
	token, err := c.TokenFunc(ctx)
	if err != nil {
		return "", fmt.Errorf("getting a token: %w", err)
	}
	return token, nil
}

// mint makes a token for a visible recorder. It may subscribe and send data, but
// not publish. It is marked as a recorder, so that the room shows its recording
// sign and does not stay open because of it.
func mint(c Config) (string, error) {
	grant := &auth.VideoGrant{RoomJoin: true, Room: c.Room, Recorder: true}
	grant.SetCanSubscribe(true)
	grant.SetCanPublish(false)
	grant.SetCanPublishData(true)
	grant.SetCanUpdateOwnMetadata(true)
	t, err := auth.NewAccessToken(c.APIKey, c.APISecret).
		SetVideoGrant(grant).SetIdentity(c.Identity).SetName(c.Name).
		SetAttributes(c.Attributes).SetValidFor(tokenLife).ToJWT()
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrToken, err)
	}
	return t, nil
}

// claims are the parts of a LiveKit token that decide whether the recorder may
// use it. The server checks the signature; these checks keep an honest recorder
// visible.
type claims struct {
	auth.ClaimGrants
	Subject string `json:"sub"`
	Expires int64  `json:"exp"`
}

// parseClaims parses a token without checking it.
func parseClaims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("%w: not a JSON web token", ErrToken)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, fmt.Errorf("%w: its payload is not base64", ErrToken)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("%w: its payload is not JSON", ErrToken)
	}
	return c, nil
}

// longer returns the token that lasts longer. other may be "".
func longer(token, other string) string {
	a, err := parseClaims(token)
	if b, otherErr := parseClaims(other); otherErr == nil && (err != nil || a.Expires != 0 && (b.Expires == 0 || b.Expires > a.Expires)) {
		return other
	}
	return token
}

// identityIn returns the identity in a token that checkToken accepted.
func identityIn(token string) string {
	c, _ := parseClaims(token)
	return c.Subject
}

// checkToken does what the function does, for this Config, now.
func (c *Config) checkToken(token, room string) (string, error) {
	name, err := checkToken(token, room, time.Now())
	if c.Told && errors.Is(err, ErrNoData) {
		return name, nil // it is the last that is checked
	}
	return name, err
}

// checkToken refuses a token for another room, and one under which a recording
// would be hidden. It returns the token's room.
func checkToken(token, room string, now time.Time) (string, error) {
	c, err := parseClaims(token)
	if err != nil {
		return "", err
	}
	v := c.Video
	switch {
	case v == nil || !v.RoomJoin:
		return "", fmt.Errorf("%w: it does not allow to join a room", ErrToken)
	case c.Expires > 0 && now.Unix() > c.Expires:
		return "", fmt.Errorf("%w: it expired at %s", ErrToken, time.Unix(c.Expires, 0).UTC().Format(time.RFC3339))
	case room != "" && v.Room != room:
		return "", fmt.Errorf("%w: it is for another room", ErrToken)
	case v.Hidden:
		return "", ErrHidden
	case !v.GetCanSubscribe():
		return "", ErrNoSubscribe
	case !v.GetCanPublishData():
		return v.Room, ErrNoData
	}
	return v.Room, nil
}

// preflight asks the server whether it would accept the token, to get the reason
// that a failed WebSocket upgrade does not give. The token is in a header and
// never in the URL, which proxies log.
func preflight(ctx context.Context, server, token string) error {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%w: %q is not a URL such as wss://meet.example.org", ErrUnreachable, server)
	}
	switch u.Scheme {
	case "ws", "http":
		u.Scheme = "http"
	case "wss", "https":
		u.Scheme = "https"
	default:
		return fmt.Errorf("%w: %q is not a URL such as wss://meet.example.org", ErrUnreachable, server)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("rtc", "validate").String(), nil)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUnreachable, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w at %s: %v", ErrUnreachable, u.Host, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		// The body has the reason, and repeats the whole token: show only its
		// first words.
		body, err := io.ReadAll(io.LimitReader(resp.Body, 200))
		if err != nil {
			return ErrUnauthorized
		}
		why, _, _ := strings.Cut(string(body), ":")
		return fmt.Errorf("%w: %.40q", ErrUnauthorized, why)
	}
	if body, err := io.ReadAll(io.LimitReader(resp.Body, 200)); err == nil && resp.StatusCode == http.StatusNotFound && strings.Contains(string(body), "room does not exist") {
		return ErrNoRoom
	}
	return fmt.Errorf("%w at %s: it answers %s", ErrUnreachable, u.Host, resp.Status)
}
