package player

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
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
