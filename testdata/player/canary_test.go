package player_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/sealtape/sealtape/testdata/player"
)

// A canary is found in each form in which a page could send it.
func TestCanary(t *testing.T) {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	c := player.NewCanary(secret, "AGE-SECRET-KEY-PQ-1QQQ")
	for name, form := range map[string]string{
		"raw": "x" + string(secret), "hexadecimal": "x" + hex.EncodeToString(secret), "text": "key=age-secret-key-pq-1qqq&",
		"base64": base64.StdEncoding.EncodeToString(secret), "in base64": base64.StdEncoding.EncodeToString(append([]byte("x"), secret...)),
		"further in base64": base64.URLEncoding.EncodeToString(append(append([]byte("xy"), secret...), "behind"...)),
	} {
		if c.In([]byte(form)) == "" {
			t.Errorf("%s: not found in %q", name, form)
		}
	}
	for _, other := range []string{"", "nothing", "AGE-SECRET-KEY-PQ-1", string(secret[:31])} {
		if form := c.In([]byte(other)); form != "" {
			t.Errorf("%s found in %q", form, other)
		}
	}
}
