// Package receiver takes webhooks as other programs do: with LiveKit's own code, and by
// what Standard Webhooks says.
package receiver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/livekit/protocol/auth"
)

// LiveKit checks a request with LiveKit's own tokens, as its package webhook does, and returns
// the body. That package itself would bring more modules.
func LiveKit(r *http.Request, key, secret string) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	token, err := auth.ParseAPIToken(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if token.APIKey() != key {
		return nil, errors.New("of another API key: " + token.APIKey())
	}
	_, claims, err := token.Verify(secret)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(body); claims.Sha256 != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, errors.New("of another body")
	}
	return body, nil
}

// Standard checks a request as https://www.standardwebhooks.com says, with what a receiver
// has: whpk_… or whsec_…. It returns the event's ID and the body.
func Standard(r *http.Request, key string) (id string, body []byte, err error) {
	if body, err = io.ReadAll(io.LimitReader(r.Body, 64<<10)); err != nil {
		return "", nil, err
	}
	id = r.Header.Get("webhook-id")
	at := r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return "", nil, errors.New("not of this time: " + at)
	}
	signed := bytes.Join([][]byte{[]byte(id), []byte(at), body}, []byte("."))
	for signature := range strings.FieldsSeq(r.Header.Get("webhook-signature")) {
		version, b64, _ := strings.Cut(signature, ",")
		sig, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			return "", nil, err
		}
		if public, ok := strings.CutPrefix(key, "whpk_"); ok && version == "v1a" {
			pub, err := base64.StdEncoding.DecodeString(public)
			if err == nil && len(pub) == ed25519.PublicKeySize && ed25519.Verify(pub, signed, sig) {
				return id, body, nil
			}
		}
		if shared, ok := strings.CutPrefix(key, "whsec_"); ok && version == "v1" {
			secret, err := base64.StdEncoding.DecodeString(shared)
			m := hmac.New(sha256.New, secret)
			m.Write(signed)
			if err == nil && hmac.Equal(m.Sum(nil), sig) {
				return id, body, nil
			}
		}
	}
	return "", nil, errors.New("no signature holds")
}
