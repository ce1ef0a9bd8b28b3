package member_test

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

// TestScriptSealing: keys/web takes the keys that livekit-client's providers set,
// one for all or one for each, and follows ratchets and replacements. The first is the
// one that a participant encrypts under.
func TestScriptSealing(t *testing.T) {
	sample.Live(t)
	out, err := exec.CommandContext(t.Context(), "node", "testdata/sealing.mjs").Output()
	if err != nil {
		t.Fatalf("node, with which the tests run: %v", err)
	}
	var got map[string][]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%.200q: %v", out, err)
	}
	const salt = "LKFrameEncryptionKey"
	expand := func(material, info, salt string, size int) string {
		t.Helper()
		b, err := hkdf.Key(sha256.New, []byte(material), []byte(salt), info, size)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	zeros := string(make([]byte, 128))
	commitment := func(key string) string {
		return hex.EncodeToString([]byte(expand(key, "sealtape.v1/member-key", "", 32)))
	}
	of := func(material string) string { return commitment(expand(material, zeros, salt, 32)) } // keySize 256
	passphrase, err := pbkdf2.Key(sha256.New, "swordfish", []byte(salt), 100_000, 16)
	if err != nil {
		t.Fatal(err)
	}
	swordfish, raw := commitment(string(passphrase)), commitment(expand("0123456789abcdef", zeros, salt, 16))
	ada0, ada1, bob0 := of("ada 0"), of("ada 1"), of("bob 0")
	ratcheted := of(expand("ada 1", zeros, salt, 32))
	for name, want := range map[string][]string{
		"shared":              {swordfish},
		"replaced":            {raw, swordfish},
		"ada":                 {ada1, ada0}, // though the provider's latest index is Bob's
		"bob":                 {bob0},
		"eve":                 {},
		"ratcheted":           {ratcheted, ada0, ada1},
		"bob after":           {bob0},
		"opens":               {ratcheted, ""},
		"set after a ratchet": {of("ada new"), ada0, ratcheted, ada1},
		"later":               {of("ada new"), ada0},
		"stopped":             {"true"},
	} {
		if !slices.Equal(got[name], want) {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
