package frame

import (
	"context"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestExplain: of a frame that does not open, what its sender does otherwise is
// found by trying.
func TestExplain(t *testing.T) {
	type keys struct {
		o     KeyOptions
		index int
		raw   string
		d     Derivation
	}
	sixteen := "0123456789abcdef"
	for name, tt := range map[string]struct {
		ours, theirs keys
		steps        int
		want         Cause
	}{
		"another passphrase":   {keys{raw: "ours"}, keys{raw: "theirs"}, 0, Cause{Kind: CausePassphrase}},
		"HKDF":                 {keys{raw: sixteen}, keys{raw: sixteen, d: HKDF}, 0, Cause{Kind: CauseDerivation, Derivation: HKDF, Bits: 128}},
		"PBKDF2":               {keys{raw: sixteen, d: HKDF}, keys{raw: sixteen}, 0, Cause{Kind: CauseDerivation, Derivation: PBKDF2, Bits: 128}},
		"256 bits":             {keys{raw: "same"}, keys{raw: "same", o: KeyOptions{Size: 32}}, 0, Cause{Kind: CauseBits, Derivation: PBKDF2, Bits: 256}},
		"128 bits":             {keys{raw: sixteen, d: HKDF, o: KeyOptions{Size: 32}}, keys{raw: sixteen, d: HKDF}, 0, Cause{Kind: CauseBits, Derivation: HKDF, Bits: 128}},
		"both":                 {keys{raw: sixteen}, keys{raw: sixteen, d: HKDF, o: KeyOptions{Size: 32}}, 0, Cause{Kind: CauseDerivation, Derivation: HKDF, Bits: 256}},
		"salt":                 {keys{raw: "same", o: KeyOptions{Salt: "ours"}}, keys{raw: "same"}, 0, Cause{Kind: CauseSalt, Derivation: PBKDF2, Bits: 128}},
		"a ratchet":            {keys{raw: "same"}, keys{raw: "same", o: KeyOptions{RatchetWindow: 1}}, 3, Cause{Kind: CauseRatchet, Steps: 3}},
		"beyond the window":    {keys{raw: sixteen, d: HKDF, o: KeyOptions{RatchetWindow: 2}}, keys{raw: sixteen, d: HKDF, o: KeyOptions{RatchetWindow: 1}}, 14, Cause{Kind: CauseRatchet, Steps: 14, Window: 2}},
		"another index":        {keys{raw: "same"}, keys{raw: "same", index: 3}, 0, Cause{Kind: CauseIndex, Index: 3}},
		"an index and HKDF":    {keys{raw: sixteen, index: 1}, keys{raw: sixteen, d: HKDF, index: 2}, 0, Cause{Kind: CauseDerivation, Index: 2, Key: 1, Derivation: HKDF, Bits: 128}},
		"no key of that index": {keys{raw: "ours"}, keys{raw: "theirs", index: 200}, 0, Cause{Kind: CauseNoKey, Index: 200, Key: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			make := func(k keys) *Keyring {
				r := NewKeyring(256, k.o)
				if err := r.SetRaw(k.index, []byte(k.raw), k.d); err != nil {
					t.Fatal(err)
				}
				return r
			}
			tt.ours.o.Explain = true
			ours, theirs := make(tt.ours), make(tt.theirs)
			for range tt.steps {
				if err := theirs.Ratchet(tt.theirs.index); err != nil {
					t.Fatal(err)
				}
			}
			frame, err := NewEncrypter(media.Opus, theirs, tt.theirs.index, 1).Encrypt(nil, []byte("frame"), 1)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Index == 0 && tt.want.Key == 0 {
				tt.want.Index, tt.want.Key = tt.theirs.index, tt.theirs.index
			}
			version := ours.Version()
			got := ours.Explain(context.Background(), media.Opus, frame)
			if got != tt.want || got.String() == "" {
				t.Errorf("%+v (%s), want %+v", got, got, tt.want)
			}
			if _, err := NewDecrypter(media.Opus, ours).Decrypt(nil, frame); err == nil || ours.Version() != version {
				t.Error("explaining changed the ring")
			}
			if !ours.Has(tt.ours.index) {
				t.Error("the key is gone")
			}
			if c := ours.Explain(context.Background(), media.Opus, []byte("in the clear, and long enough for all of it")); c.Kind != CausePlaintext {
				t.Errorf("in the clear: %+v", c)
			}
		})
	}
	t.Run("nothing kept", func(t *testing.T) {
		theirs := ring(t, "theirs", KeyOptions{})
		frame, err := NewEncrypter(media.Opus, theirs, 0, 1).Encrypt(nil, []byte("frame"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if c := ring(t, "ours", KeyOptions{}).Explain(context.Background(), media.Opus, frame); c.Kind != CausePassphrase {
			t.Errorf("%+v", c)
		}
		if c := NewKeyring(0, KeyOptions{}).Explain(context.Background(), media.Opus, frame); c.Kind != CauseNoKey {
			t.Errorf("without keys: %+v", c)
		}
	})
}
