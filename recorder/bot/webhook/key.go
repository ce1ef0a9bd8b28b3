package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrKey: the text is no key for webhooks.
var ErrKey = errors.New("not a key for webhooks: whsk_…, whsec_… or API-KEY: SECRET")

// A Key signs requests. Its text is one of
//
//	whsk_BASE64      Ed25519: the seed of 32 bytes, or that and the public key
//	whsec_BASE64     HMAC-SHA256 with 24 to 64 bytes that the receiver has, too
//	API-KEY: SECRET  as LiveKit signs: the line of LiveKit's own key file
//
// The first two are of Standard Webhooks (https://www.standardwebhooks.com). Printing a Key
// prints no secret.
type Key struct {
	private ed25519.PrivateKey
	shared  []byte
	apiKey  string
	secret  []byte // of apiKey
}

// MaxKey is the most bytes of the text of a key.
const MaxKey = 1 << 10

// ParseKey reads the text of a key, with or without a line feed at its end. The error is
// ErrKey, and has nothing of the text.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxKey || strings.ContainsAny(text, "\r\n\x00") {
		return nil, ErrKey
	}
	if raw, ok := strings.CutPrefix(text, "whsk_"); ok {
		b, err := base64.StdEncoding.DecodeString(raw)
		if err != nil || len(b) != ed25519.SeedSize && len(b) != ed25519.PrivateKeySize {
			return nil, ErrKey
		}
		k := ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
		if len(b) == ed25519.PrivateKeySize && !k.Equal(ed25519.PrivateKey(b)) {
			return nil, ErrKey
		}
		return &Key{private: k}, nil
	}
	if raw, ok := strings.CutPrefix(text, "whsec_"); ok {
		b, err := base64.StdEncoding.DecodeString(raw)
		if err != nil || len(b) < 24 || len(b) > 64 {
			return nil, ErrKey
		}
		return &Key{shared: b}, nil
	}
	name, secret, ok := strings.Cut(text, ":")
	name, secret = strings.TrimSpace(name), strings.TrimSpace(secret)
	if !ok || name == "" || len(secret) < 16 || strings.ContainsAny(name+secret, " \t\"\\") {
		return nil, ErrKey
	}
	return &Key{apiKey: name, secret: []byte(secret)}, nil
}

// Public returns what a receiver verifies with, for Ed25519: whpk_BASE64. "" means that the
// receiver needs the secret itself.
func (k *Key) Public() string {
	if k.private == nil {
		return ""
	}
	return "whpk_" + base64.StdEncoding.EncodeToString(k.private.Public().(ed25519.PublicKey))
}

// String returns the kind of the key, and nothing of it.
func (k *Key) String() string {
	switch {
	case k.private != nil:
		return "Ed25519"
	case k.shared != nil:
		return "HMAC-SHA256"
	}
	return "LiveKit"
}

// GoString returns what String does, for %#v.
func (k *Key) GoString() string { return k.String() }

// Label returns a label of a room's name: the same for the same name and key, and without
// the key nobody tells a name from it, nor whether it is that of a name.
func (k *Key) Label(room string) string {
	key := k.shared
	if k.private != nil {
		key = k.private.Seed()
	} else if key == nil {
		key = k.secret
	}
	return hex.EncodeToString(mac(key, "sealtape.v1/webhook-room\n"+room)[:8])
}

// sign adds the signature of a body to a request.
func (k *Key) sign(h http.Header, id string, body []byte, now time.Time) error {
	if k.apiKey != "" {
		h.Set("Content-Type", "application/webhook+json")
		token, err := k.token(body, now)
		h.Set("Authorization", token)
		return err
	}
	at := strconv.FormatInt(now.Unix(), 10)
	signed := id + "." + at + "." + string(body)
	signature := "v1," + base64.StdEncoding.EncodeToString(mac(k.shared, signed))
	if k.private != nil {
		signature = "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, []byte(signed)))
	}
	h.Set("Content-Type", "application/json")
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", at)
	h.Set("webhook-signature", signature)
	return nil
}

// tokenLife is how long a token counts, as with LiveKit's own webhooks.
const tokenLife = 5 * time.Minute

// token returns the JWT (RFC 7519, HS256) with which LiveKit signs a webhook: its claim
// sha256 is the hash of the body.
func (k *Key) token(body []byte, now time.Time) (string, error) {
	sum := sha256.Sum256(body)
	claims, err := json.Marshal(map[string]any{
		"iss": k.apiKey, "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(), "sha256": base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64(claims)
	return signed + "." + b64(mac(k.secret, signed)), nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
