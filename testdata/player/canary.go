package player

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// A Canary is a secret that must be in nothing that leaves a page.
type Canary struct{ forms map[string][]byte }

// NewCanary returns a canary with these bytes, and the texts that stand for them, such as
// an age identity.
func NewCanary(secret []byte, texts ...string) Canary {
	c := Canary{map[string][]byte{"raw": secret, "hexadecimal": []byte(hex.EncodeToString(secret)), "percent": []byte(url.QueryEscape(string(secret)))}}
	for _, t := range texts {
		c.forms["text "+t[:min(len(t), 20)]+"…"] = []byte(t)
	}
	// Within something longer, three other texts of base64 have it.
	for shift := range 3 {
		shifted := append(make([]byte, shift), secret...)
		text := base64.RawStdEncoding.EncodeToString(shifted)
		text = text[[]int{0, 2, 3}[shift] : len(text)-1]
		name := "base64, shifted by " + string(rune('0'+shift))
		c.forms[name], c.forms[name+", for addresses"] = []byte(text), []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return c
}

// AgeCanary returns the canary of an age identity with post-quantum keys, such as the secret
// of an epoch.
func AgeCanary(identity string) Canary { return NewCanary(bech32Bytes(identity), identity) }

// CanariesOf returns the secrets in an exported identity, by what they are.
func CanariesOf(export []byte, passphrase string) (map[string]Canary, error) {
	scrypt, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(export)), scrypt)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Canary)
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1") {
			found["the age identity"] = AgeCanary(line)
		}
		// PRIVATE+KEY+NAME+HASH+SEED, where the seed's base64 may have a plus.
		if parts := strings.SplitN(line, "+", 5); strings.HasPrefix(line, "# signer: ") && len(parts) == 5 {
			seed, err := base64.StdEncoding.DecodeString(parts[4])
			if err != nil || len(seed) != 33 {
				return nil, errors.New("the export has no signing key")
			}
			found["the signing key"] = NewCanary(seed[1:], parts[4])
		}
	}
	if len(found) != 2 {
		return nil, fmt.Errorf("%d secrets in an identity", len(found))
	}
	return found, nil
}

// bech32Bytes returns the bytes of an age identity.
func bech32Bytes(identity string) (out []byte) {
	data := identity[strings.LastIndex(identity, "1")+1:]
	var acc, n uint
	for _, r := range data[:len(data)-6] {
		acc, n = acc<<5|uint(strings.IndexRune("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", r)), n+5
		if n >= 8 {
			n -= 8
			out = append(out, byte(acc>>n))
		}
	}
	return out
}

// In returns the form in which b has the canary, "" if it has not. Case does not matter but
// in base64.
func (c Canary) In(b []byte) string {
	lower := bytes.ToLower(b)
	for name, form := range c.forms {
		if bytes.Contains(b, form) || !strings.HasPrefix(name, "base64") && bytes.Contains(lower, bytes.ToLower(form)) {
			return name
		}
	}
	return ""
}
