package keys_test

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/tyler-smith/go-bip39"
)

func TestFingerprint(t *testing.T) {
	_, c, _ := generate(t, "Ada")
	_, d, _ := generate(t, "Ada")
	f := c.Fingerprint()
	if f.Equal(d.Fingerprint()) {
		t.Fatal("two keys have one fingerprint")
	}
	if !f.Equal(f) || f.Equal(keys.Fingerprint{}) {
		t.Error("Equal is wrong")
	}
	words := strings.Split(f.String(), "-")
	if len(words) != 8 {
		t.Fatalf("%d words: %v", len(words), f)
	}
	for _, s := range []string{
		f.String(),
		strings.ToUpper(f.String()),
		strings.Join(words, " "),
		"  " + strings.Join(words, "  ") + "\n",
		strings.Join(words, ", "),
		strings.Join(words, "–"),
	} {
		if got, err := keys.ParseFingerprint(s); err != nil || !got.Equal(f) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for name, s := range map[string]string{
		"empty":        "",
		"seven words":  strings.Join(words[:7], "-"),
		"nine words":   f.String() + "-" + words[0],
		"another word": strings.Join(words[:7], "-") + "-sealtape",
		"abbreviated":  strings.Join(words[:7], "-") + "-" + words[7][:2],
	} {
		if got, err := keys.ParseFingerprint(s); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// The words are those of BIP-39: its own implementation, given 88 bits and as
// many zero bits as it takes, begins with them.
func TestFingerprintWords(t *testing.T) {
	for _, f := range []keys.Fingerprint{
		{}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {0: 0x80}, {10: 0x01},
	} {
		mnemonic, err := bip39.NewMnemonic(append(f[:], 0, 0, 0, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Join(strings.Fields(mnemonic)[:8], "-")
		if f.String() != want {
			t.Errorf("%x is %s, want %s", f[:], f, want)
		}
		if back, err := keys.ParseFingerprint(want); f == (keys.Fingerprint{}) {
			if err == nil {
				t.Error("the words of the zero fingerprint are taken")
			}
		} else if err != nil || back != f {
			t.Errorf("%s is %x, %v", want, back[:], err)
		}
	}
}
