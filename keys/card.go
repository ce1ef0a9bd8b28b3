package keys

import (
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

const (
	cardHeader    = "sealtape.v1/card"
	keyNamePrefix = "sealtape.v1/"

	maxRecipients = 16
	maxApprovals  = 4
)

// MaxCard is the most bytes that a card may have. 16 hybrid recipients, the
// most on one card, take half of it.
const MaxCard = 64 << 10

// A Card is the public half of an identity: a name, the key that signs for it,
// and the recipients to seal to. It is a signed note whose signer is the key on
// it. So it proves that the holder of the signing key chose the name and the
// recipients, and nothing about who that is.
//
//	sealtape.v1/card
//	name: Ada
//	device: phone
//	role: recorder
//	created: 2026-03-01T09:30:00Z
//	expires: 2028-03-01T09:30:00Z
//	key: sealtape.v1/7f3c…+0a1b2c3d+AT9…
//	replaces: sealtape.v1/66d0…+91e2aa07+AS0…
//	matrix: @ada:example.org ed25519:1FKP…
//	recipient: age1pq1…
//
//	— sealtape.v1/7f3c… Ch1u…
//	— sealtape.v1/66d0… keLi…
//	— sealtape.v1/66d0… Zr0a…
//
// The lines device, role, expires, replaces and matrix may be missing. Further signatures
// are approvals: other keys of the same person confirm that this key is theirs
// too. A card that replaces a key has that key's approval. Who approves a recorder's
// card does so twice: the second line is one that travels with its recordings
// (archive/FORMAT.md, Approvals), and has a key ID of its own.
//
// A Card comes from ParseCard, Identity.Card or a Home, and is then valid. It is
// a value; changing a field breaks its signature.
type Card struct {
	// Name is what the holder calls themselves: 1 to 64 printable characters.
	Name string
	// Device distinguishes the cards of one person: up to 32 printable
	// characters. Empty means none.
	Device string
	// Role is what the key is for: only a Recorder's key signs recordings.
	Role Role
	// Created is when the card was signed, by the holder's clock, in UTC and
	// whole seconds.
	Created time.Time
	// Expires is when the card stops counting, in whole seconds. Zero means
	// never.
	Expires time.Time
	// Key is the verifier key, in the encoding of note.NewVerifier. Its name part
	// is made from the key and names nobody.
	Key string
	// Replaces is the verifier key that the holder used before and uses no more.
	// "" means none.
	Replaces string
	// Matrix is how the holder is known in Matrix, by their own word. The zero value
	// means that the card does not say.
	Matrix MatrixAccount
	// Recipients are age recipients as text, at least one.
	Recipients []string

	sig       []byte // Ed25519, of text()
	approvals []signature
}

// text is what the signature covers.
func (c Card) text() string {
	var b strings.Builder
	line := func(field, value string) { fmt.Fprintf(&b, "%s: %s\n", field, value) }
	b.WriteString(cardHeader + "\n")
	line("name", c.Name)
	if c.Device != "" {
		line("device", c.Device)
	}
	if c.Role != Member {
		line("role", string(c.Role))
	}
	line("created", c.Created.UTC().Format(time.RFC3339))
	if !c.Expires.IsZero() {
		line("expires", c.Expires.UTC().Format(time.RFC3339))
	}
	line("key", c.Key)
	if c.Replaces != "" {
		line("replaces", c.Replaces)
	}
	if c.Matrix != (MatrixAccount{}) {
		line("matrix", c.Matrix.String())
	}
	for _, r := range c.Recipients {
		line("recipient", r)
	}
	return b.String()
}

// sign signs the card anew, and drops the signatures of others. s must be the
// signer of c.Key.
func (c *Card) sign(s note.Signer) error {
	sig, err := s.Sign([]byte(c.text()))
	if err != nil {
		return err
	}
	c.sig, c.approvals = sig, nil
	return nil
}

// Marshal returns the card as a signed note.
func (c Card) Marshal() ([]byte, error) {
	_, v, err := parseKey(c.Key)
	if err != nil {
		return nil, err
	}
	signers := []note.Signer{signature{v.Name(), v.KeyHash(), c.sig}}
	for _, a := range c.approvals {
		signers = append(signers, a)
	}
	return note.Sign(&note.Note{Text: c.text()}, signers...)
}

// Verifier returns the verifier of the card's key. It panics if Key is not that
// of a valid card.
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

// Expired reports whether the card no longer counts at the given time.
func (c Card) Expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// Label is the card's name for people, with the device if it has one.
func (c Card) Label() string {
	if c.Device == "" {
		return c.Name
	}
	return c.Name + ", " + c.Device
}

// PostQuantum reports whether all of the card's recipients are post-quantum.
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
