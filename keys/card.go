package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

const (
	cardHeader    = "sealtape.v1/card"
	keyNamePrefix = "sealtape.v1/"

	maxRecipients = 16
)

// MaxCard is the most bytes that a card may have. 16 hybrid recipients, the
// most on one card, take half of it.
const MaxCard = 64 << 10

// A Card is the public half of an identity: who, which key signs for them, and
// the recipients to which one seals what they shall read. It is a signed note
// whose signer is the key on it, so it proves that the holder of the signing
// key chose the name and the recipients, and nothing about who that is.
//
//	sealtape.v1/card
//	name: Ada
//	created: 2026-03-01T09:30:00Z
//	key: sealtape.v1/7f3c…+0a1b2c3d+AT9…
//	recipient: age1pq1…
//
//	— sealtape.v1/7f3c… Ch1u…
//
// A Card comes from ParseCard, Identity.Card or a Home, and is valid then. It
// is a value; changing a field breaks its signature.
type Card struct {
	// Name is what the holder calls themselves: 1 to 64 printable characters.
	Name string
	// Created is when the card was signed, by the holder's clock, in UTC and
	// whole seconds.
	Created time.Time
	// Key is the verifier key, in the encoding of note.NewVerifier. Its name
	// part says nothing human: it is made from the key.
	Key string
	// Recipients are age recipients as text, at least one.
	Recipients []string

	sig []byte // Ed25519, of text()
}

// ParseCard reads a card and checks it whole: syntax, names, recipients and
// the signature by its own key. There is one encoding of a card: what ParseCard
// accepts, Marshal gives back byte for byte. Errors wrap ErrBadCard.
func ParseCard(b []byte) (Card, error) {
	c, err := parseCard(b)
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	return c, nil
}

func parseCard(b []byte) (Card, error) {
	if len(b) > MaxCard {
		return Card{}, fmt.Errorf("longer than %d bytes", MaxCard)
	}
	text, _, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return Card{}, errors.New("no signature")
	}
	lines := strings.Split(text, "\n")
	if lines[0] != cardHeader {
		if strings.HasPrefix(lines[0], "sealtape.v") {
			return Card{}, errors.New("made by a version of sealtape this one does not know")
		}
		return Card{}, fmt.Errorf("does not begin with %q", cardHeader)
	}
	// The signature comes first, so that a card damaged anywhere is called that.
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "key: ") })
	if i < 0 {
		return Card{}, errors.New("no key")
	}
	_, v, err := parseKey(strings.TrimPrefix(lines[i], "key: "))
	if err != nil {
		return Card{}, err
	}
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrCardSignature, err)
	}
	c, err := parseCardLines(lines[1:])
	if err != nil {
		return Card{}, err
	}
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(sig) != 4+ed25519.SignatureSize {
		return Card{}, errors.New("malformed signature")
	}
	c.sig = sig[4:]
	if again, err := c.Marshal(); err != nil || !bytes.Equal(again, b) {
		return Card{}, errors.New("not in canonical form")
	}
	return c, nil
}

// parseCardLines reads the lines between the header and the signature, in their
// fixed order.
func parseCardLines(lines []string) (Card, error) {
	field := func(name string) (string, error) {
		if len(lines) == 0 {
			return "", fmt.Errorf("no %s", name)
		}
		v, ok := strings.CutPrefix(lines[0], name+": ")
		if !ok {
			return "", fmt.Errorf("no %s where it belongs", name)
		}
		lines = lines[1:]
		return v, nil
	}

	var c Card
	var err error
	if c.Name, err = field("name"); err != nil {
		return Card{}, err
	}
	if err := checkName(c.Name); err != nil {
		return Card{}, err
	}
	created, err := field("created")
	if err != nil {
		return Card{}, err
	}
	if c.Created, err = time.Parse(time.RFC3339, created); err != nil {
		return Card{}, errors.New("created is no time")
	}
	c.Created = c.Created.UTC()
	if c.Key, err = field("key"); err != nil {
		return Card{}, err
	}
	seen := make(map[string]bool)
	for len(lines) > 0 {
		r, err := field("recipient")
		if err != nil {
			return Card{}, err
		}
		if _, err := parseCardRecipient(r); err != nil {
			return Card{}, err
		}
		if seen[r] {
			return Card{}, errors.New("a recipient appears twice")
		}
		seen[r] = true
		c.Recipients = append(c.Recipients, r)
	}
	if len(c.Recipients) == 0 || len(c.Recipients) > maxRecipients {
		return Card{}, fmt.Errorf("%d recipients, where 1 to %d may be", len(c.Recipients), maxRecipients)
	}
	return c, nil
}

// text is what the signature covers.
func (c Card) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nname: %s\ncreated: %s\nkey: %s\n",
		cardHeader, c.Name, c.Created.UTC().Format(time.RFC3339), c.Key)
	for _, r := range c.Recipients {
		fmt.Fprintf(&b, "recipient: %s\n", r)
	}
	return b.String()
}

// sign makes c's signature. The signer must be that of c.Key.
func (c *Card) sign(s note.Signer) error {
	sig, err := s.Sign([]byte(c.text()))
	if err != nil {
		return err
	}
	c.sig = sig
	return nil
}

// Marshal returns the card as a signed note.
func (c Card) Marshal() ([]byte, error) {
	_, v, err := parseKey(c.Key)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.text()}, signature{v, c.sig})
}

// signature is a note.Signer that has signed already.
type signature struct {
	note.Verifier
	sig []byte
}

func (s signature) Sign([]byte) ([]byte, error) { return s.sig, nil }

// Verifier returns the verifier of what the card's holder signs. It panics if
// Key is not that of a valid card.
func (c Card) Verifier() note.Verifier {
	_, v, err := parseKey(c.Key)
	if err != nil {
		panic("keys: internal error: card without a valid key")
	}
	return v
}

// AgeRecipients returns the card's recipients. It panics if they are not those
// of a valid card.
func (c Card) AgeRecipients() []age.Recipient {
	rs := make([]age.Recipient, 0, len(c.Recipients))
	for _, s := range c.Recipients {
		r, err := parseCardRecipient(s)
		if err != nil {
			panic("keys: internal error: card without valid recipients")
		}
		rs = append(rs, r)
	}
	return rs
}

// PostQuantum reports whether all of the card's recipients are.
func (c Card) PostQuantum() bool {
	for _, s := range c.Recipients {
		if !PostQuantum(s) {
			return false
		}
	}
	return len(c.Recipients) > 0
}

// Fingerprint returns the fingerprint of the card's signing key, which vouches
// for the rest of the card. It panics if Key is not that of a valid card.
func (c Card) Fingerprint() Fingerprint {
	pub, _, err := parseKey(c.Key)
	if err != nil {
		panic("keys: internal error: card without a valid key")
	}
	return fingerprintOf(pub)
}

// keyName names a signing key in signed notes. Heads lie in the store in the
// clear, so the name is made from the key and tells nothing more.
func keyName(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return keyNamePrefix + hex.EncodeToString(sum[:8])
}

// parseKey reads a verifier key in its one canonical form.
func parseKey(vkey string) (ed25519.PublicKey, note.Verifier, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, nil, fmt.Errorf("signing key: %w", err)
	}
	// NAME+HASH+BASE64, where the base64 may hold a plus too.
	f := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(f[len(f)-1])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return nil, nil, errors.New("signing key: malformed")
	}
	pub := ed25519.PublicKey(raw[1:])
	if again, err := note.NewEd25519VerifierKey(keyName(pub), pub); err != nil || again != vkey {
		return nil, nil, errors.New("signing key: not in canonical form")
	}
	return pub, v, nil
}
