package keys_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/sealtape/sealtape/keys"
	"golang.org/x/mod/sumdb/note"
)

func generate(t testing.TB, name string) (*keys.Identity, keys.Card, []byte) {
	t.Helper()
	id, err := keys.Generate(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return id, c, b
}

func TestCard(t *testing.T) {
	id, c, b := generate(t, "Zoë Ng")
	got, err := keys.ParseCard(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Zoë Ng" || got.Key != c.Key || !got.Created.Equal(c.Created) || !got.PostQuantum() {
		t.Errorf("got %+v, want %+v", got, c)
	}
	if time.Since(got.Created) > time.Hour || got.Created.Location() != time.UTC {
		t.Errorf("created %v", got.Created)
	}
	if !got.Fingerprint().Equal(c.Fingerprint()) {
		t.Error("the fingerprint changed on the way")
	}

	// What the signer signs, the card's verifier verifies.
	msg, err := note.Sign(&note.Note{Text: "head\n"}, id.Signer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(msg, note.VerifierList(got.Verifier())); err != nil {
		t.Error(err)
	}
	// What is sealed to the card, the identity opens.
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, got.AgeRecipients()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := age.Decrypt(&sealed, id.AgeIdentities()...); err != nil {
		t.Error(err)
	}
}

// A card that was given away stays good, whatever becomes of this package.
func TestGoldenCard(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "zoe.card"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := keys.ParseCard(b)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Zoë Ng" || len(c.Recipients) != 1 || c.Fingerprint().String() != "tail-behave-organ-grant-blood-grant-gas-coral" {
		t.Errorf("%q, %d recipients, %v", c.Name, len(c.Recipients), c.Fingerprint())
	}
}

// The name of the key stands in the clear in every store.
func TestKeyNameSaysNothingHuman(t *testing.T) {
	id, _, _ := generate(t, "Ada")
	name := id.Verifier().Name()
	if !strings.HasPrefix(name, "sealtape.v1/") || len(name) != len("sealtape.v1/")+16 {
		t.Errorf("key name %q", name)
	}
	if id.Signer().Name() != name || id.Signer().KeyHash() != id.Verifier().KeyHash() {
		t.Error("signer and verifier disagree")
	}
}

func TestParseCardRefuses(t *testing.T) {
	id, c, good := generate(t, "Ada")
	for c.Key == upperHash(c.Key) { // a hash without a letter has no upper case
		id, c, good = generate(t, "Ada")
	}
	other, _, otherCard := generate(t, "Eve")
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) []byte {
		out := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("card does not hold %q", old)
		}
		return out
	}
	forge := func(f func(*keys.Card)) []byte {
		c, err := id.Forge(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	resign := func(text string) []byte {
		b, err := note.Sign(&note.Note{Text: text}, id.Signer())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	text := string(good[:bytes.Index(good, []byte("\n\n"))+1])
	created := c.Created.Format(time.RFC3339)
	sig := string(good[bytes.Index(good, []byte("\n\n"))+2:])
	otherSig := string(otherCard[bytes.Index(otherCard, []byte("\n\n"))+2:])

	tests := map[string][]byte{
		"empty":                   nil,
		"not a note":              []byte("hello\n"),
		"cut":                     good[:len(good)-1],
		"trailing line":           append(bytes.Clone(good), '\n'),
		"trailing text":           append(bytes.Clone(good), "x\n"...),
		"over the bound":          append(bytes.Repeat([]byte("x"), 64<<10), good...),
		"carriage returns":        bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"name changed":            edit("name: Ada", "name: Bob"),
		"recipient changed":       edit(c.Recipients[0], other.Recipients()[0].(*age.HybridRecipient).String()),
		"another's key":           edit(c.Key, other.Verifier().Name()+strings.TrimPrefix(c.Key, id.Verifier().Name())),
		"no signature":            []byte(text + "\n"),
		"another's signature":     []byte(text + "\n" + otherSig),
		"signed twice":            append(bytes.Clone(good), sig...),
		"five approvals":          append(bytes.Clone(good), fiveApprovals(t)...),
		"an approval twice":       append(append(bytes.Clone(good), otherSig...), otherSig...),
		"its own signature last":  []byte(text + "\n" + otherSig + sig),
		"a foreign signature":     append(bytes.Clone(good), foreignSignature(t, text)...),
		"expired before made":     forge(func(c *keys.Card) { c.Expires = c.Created }),
		"device of 33 characters": forge(func(c *keys.Card) { c.Device = strings.Repeat("x", 33) }),
		"device with a bell":      forge(func(c *keys.Card) { c.Device = "phone\a" }),
		"replaces without a word": forge(func(c *keys.Card) { c.Replaces = other.Verifier().Name() }),
		"replaces unapproved":     forge(func(c *keys.Card) { c.Replaces = mustCard(t, other).Key }),
		"replaces itself":         forge(func(c *keys.Card) { c.Replaces = c.Key }),
		"unknown version":         resign(strings.Replace(text, "sealtape.v1", "sealtape.v2", 1)),
		"unknown header":          resign(strings.Replace(text, "sealtape.v1/card", "card", 1)),
		"unknown field":           resign(text + "expires: " + created + "\n"),
		"fields out of order":     resign(strings.Replace(text, "name: Ada\ncreated: "+created, "created: "+created+"\nname: Ada", 1)),
		"no name":                 resign(strings.Replace(text, "name: Ada\n", "", 1)),
		"two names":               resign(strings.Replace(text, "name: Ada\n", "name: Ada\nname: Ada\n", 1)),
		"two spaces":              resign(strings.Replace(text, "name: Ada", "name:  Ada", 1)),
		"time of day only":        resign(strings.Replace(text, created, "09:30", 1)),
		"time with a zone":        resign(strings.Replace(text, created, strings.TrimSuffix(created, "Z")+"+00:00", 1)),
		"time with a fraction":    resign(strings.Replace(text, created, strings.TrimSuffix(created, "Z")+".5Z", 1)),
		"key hash in upper case":  resign(strings.Replace(text, c.Key, upperHash(c.Key), 1)),
		"no recipients":           forge(func(c *keys.Card) { c.Recipients = nil }),
		"a recipient twice":       forge(func(c *keys.Card) { c.Recipients = []string{c.Recipients[0], c.Recipients[0]} }),
		"a recipient not one":     forge(func(c *keys.Card) { c.Recipients = []string{"age1nonsense"} }),
		"a recipient of a plugin": forge(func(c *keys.Card) { c.Recipients = []string{pluginRecipient} }),
		"a secret key":            forge(func(c *keys.Card) { c.Recipients = []string{x.String()} }),
		"an ssh key":              forge(func(c *keys.Card) { c.Recipients = []string{sshRecipient} }),
		"a point of low order":    forge(func(c *keys.Card) { c.Recipients = []string{lowOrderRecipient} }),
		"made before 1970":        forge(func(c *keys.Card) { c.Created = time.Unix(-1, 0).UTC() }),
		"a comment on ssh":        forge(func(c *keys.Card) { c.Recipients = []string{sshRecipient + " ada@laptop"} }),
		"17 recipients": forge(func(c *keys.Card) {
			for range 16 {
				x, err := age.GenerateX25519Identity()
				if err != nil {
					t.Fatal(err)
				}
				c.Recipients = append(c.Recipients, x.Recipient().String())
			}
		}),
	}
	for _, name := range []string{"name changed", "recipient changed"} {
		if _, err := keys.ParseCard(tests[name]); !errors.Is(err, keys.ErrCardSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := keys.ParseCard(b); !errors.Is(err, keys.ErrBadCard) {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}

	// Every bit of a card is covered by its signature, its syntax or both.
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		if _, err := keys.ParseCard(b); !errors.Is(err, keys.ErrBadCard) {
			t.Fatalf("a flipped bit in byte %d passed: %v", i, err)
		}
	}

	classic, err := keys.ParseCard(forge(func(c *keys.Card) { c.Recipients = append(c.Recipients[:1:1], x.Recipient().String()) }))
	if err != nil {
		t.Errorf("an X25519 recipient beside a hybrid one: %v", err)
	} else if classic.PostQuantum() {
		t.Error("a card with an X25519 recipient passes for post-quantum")
	}
}

// fiveApprovals returns signature lines of five keys: one more than may be.
func fiveApprovals(t *testing.T) []byte {
	var lines []byte
	for range 5 {
		_, _, b := generate(t, "Eve")
		lines = append(lines, b[bytes.Index(b, []byte("\n\n"))+2:]...)
	}
	return lines
}

// foreignSignature returns the signature line of a key that is none of ours.
func foreignSignature(t *testing.T, text string) []byte {
	skey, _, err := note.GenerateKey(rand.Reader, "example.org/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	b, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return b[bytes.Index(b, []byte("\n\n"))+2:]
}

func upperHash(key string) string {
	f := strings.SplitN(key, "+", 3)
	return f[0] + "+" + strings.ToUpper(f[1]) + "+" + f[2]
}

func TestNames(t *testing.T) {
	good := []string{
		"A", "Ada Lovelace", "Zoë", "陈", "Þóra-Björg O'Neil", "नमस्ते", "bot 3 (room)",
		strings.Repeat("x", 64), strings.Repeat("ü", 64), "age", "ssh",
	}
	for _, name := range good {
		if _, err := keys.Generate(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if id, err := keys.Generate("Zoe\u0308"); err != nil || id.Name() != "Zo\u00eb" {
		t.Errorf("a decomposed name: %v, %v", id, err)
	}
	bad := []string{
		"", " ", " Ada", "Ada ", "Ada  Lovelace", strings.Repeat("x", 65),
		"Ada\x00", "Ada\nrecipient: age1x", "Ada\r", "Ada\t", "\x1b[2JAda", "Ada\u0085", "Ada\x7f",
		"Ada\u202egnp", "Ada\u2066", "Ada\u200b", "Ada\u200d", "Ada\ufeff", "\u00adAda", // bidi, zero width, soft hyphen
		"Ada\u00a0Lovelace", "Ada\u3000L", "Ada\u2028", // other spaces
		"Ada\ue000", "Ada\ufffe", "\xff", "Ada\xc3", "\u0301Ada",
		"-n", "--yes", "age1pq1abc", "AGE1x", "ssh-ed25519",
	}
	id, _, _ := generate(t, "Ada")
	for _, name := range bad {
		if _, err := keys.Generate(name); !errors.Is(err, keys.ErrBadName) {
			t.Errorf("Generate(%q): %v", name, err)
		}
		// The same on a card, where there is a note to be made of it at all.
		c, err := id.Forge(func(c *keys.Card) { c.Name = name })
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Marshal()
		if err != nil {
			continue
		}
		if _, err := keys.ParseCard(b); !errors.Is(err, keys.ErrBadCard) {
			t.Errorf("ParseCard with the name %q: %v", name, err)
		}
	}
}

func FuzzParseCard(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzParseCard"))
	if err != nil || len(entries) < 5 {
		f.Fatalf("the committed corpus has %d entries: %v", len(entries), err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := keys.ParseCard(b)
		if err != nil {
			if !errors.Is(err, keys.ErrBadCard) {
				t.Errorf("error without ErrBadCard: %v", err)
			}
			return
		}
		again, err := c.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("round trip gave %q, %v", again, err)
		}
		// None of these may panic on a card that was accepted.
		c.Verifier()
		c.AgeRecipients()
		if _, err := keys.ParseFingerprint(c.Fingerprint().String()); err != nil {
			t.Error(err)
		}
	})
}
