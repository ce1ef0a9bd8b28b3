package keys

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/text/unicode/norm"
)

// An Identity is the user's own keys, secret halves included. Its methods are
// safe for concurrent use. Printing it prints no secret.
type Identity struct {
	card       Card
	skey       string // the signing key, in the encoding of note.NewSigner
	signer     note.Signer
	identities []age.Identity
	// earlier are the cards of the keys that this identity's key replaced, and
	// the cards that replaced them. A home needs them to recognize these keys as
	// its own.
	earlier []Card
	// revoked are the revocations of the holder's keys that the home knows: of
	// this key, of earlier ones and of those on other devices.
	revoked []Revocation
}

// A Description describes a new identity. Only Name is required.
type Description struct {
	// Name is normalized to Unicode normal form C. It must then be 1 to 64
	// printable characters, without spaces except single ones inside.
	Name string
	// Device distinguishes the identities of one person. The rules of Name hold,
	// with at most 32 characters. Empty means none.
	Device string
	// Role is what the keys are for; the zero value is Member.
	Role Role
	// Expires is when the card stops counting. Zero means never.
	Expires time.Time
}

// Generate makes a new identity that is described by its name only. Errors wrap
// ErrBadName.
func Generate(name string) (*Identity, error) { return GenerateAs(Description{Name: name}) }

// GenerateAs makes a new identity. Errors wrap ErrBadName.
func GenerateAs(d Description) (*Identity, error) {
	id, err := generate(d)
	if err != nil {
		return nil, err
	}
	return id, id.card.sign(id.signer)
}

// generate makes an identity whose card is not signed yet.
func generate(d Description) (*Identity, error) {
	d.Name, d.Device = norm.NFC.String(d.Name), norm.NFC.String(d.Device)
	if err := checkName(d.Name); err != nil {
		return nil, err
	}
	if d.Device != "" {
		if err := checkDevice(d.Device); err != nil {
			return nil, err
		}
	}
	if d.Role != Member && d.Role != Recorder {
		return nil, errors.New("not a role that a card says")
	}
	now := time.Now().UTC().Truncate(time.Second)
	d.Expires = d.Expires.UTC().Truncate(time.Second)
	if !d.Expires.IsZero() && !d.Expires.After(now) {
		return nil, errors.New("the card would expire before it is made")
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	vkey, err := note.NewEd25519VerifierKey(keyName(pub), pub)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	secret, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	id := &Identity{
		// The encoding that note.NewSigner reads; 1 stands for Ed25519.
		skey: fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", v.Name(), v.KeyHash(),
			base64.StdEncoding.EncodeToString(append([]byte{1}, priv.Seed()...))),
		identities: []age.Identity{secret},
		card: Card{
			Name:       d.Name,
			Device:     d.Device,
			Role:       d.Role,
			Created:    now,
			Expires:    d.Expires,
			Key:        vkey,
			Recipients: []string{secret.Recipient().String()},
		},
	}
	id.signer, err = note.NewSigner(id.skey)
	return id, err
}

// Successor makes a new identity in place of i. It has new keys, the same name
// and device, and a card that names the key it replaces and has i's approval. It
// opens what i opens. Whoever has pinned i's card can pin the new one without
// comparing words.
func (i *Identity) Successor(expires time.Time) (*Identity, error) {
	id, err := generate(Description{Name: i.card.Name, Device: i.card.Device, Role: i.card.Role, Expires: expires})
	if err != nil {
		return nil, err
	}
	id.card.Replaces, id.card.Matrix = i.card.Key, i.card.Matrix
	id.identities = append(id.identities, i.identities...)
	if err := id.card.sign(id.signer); err != nil {
		return nil, err
	}
	if err := id.card.approve(i.signer, i.Verifier()); err != nil {
		return nil, err
	}
	id.earlier = append([]Card{i.card, id.card}, i.earlier...)
	id.revoked = i.revoked
	return id, nil
}

// Renew returns the identity with a new card for the same keys. The card has no
// approvals and expires at the given time. Zero means never. Renew fails if the
// current card is younger than a second, since of two cards the newer one counts.
func (i *Identity) Renew(expires time.Time) (*Identity, error) {
	return i.recard(func(c *Card) { c.Expires = expires.UTC().Truncate(time.Second) })
}

// recard returns the identity with a new card for the same keys, which change fills.
func (i *Identity) recard(change func(*Card)) (*Identity, error) {
	c := i.card
	c.Created = time.Now().UTC().Truncate(time.Second)
	c.Replaces = "" // an earlier card says it, and the old key cannot approve again
	change(&c)
	if !c.Expires.IsZero() && !c.Expires.After(c.Created) {
		return nil, errors.New("the card would expire before it is made")
	}
	if !c.Created.After(i.card.Created) {
		return nil, errors.New("the card was made this moment, or later by another clock")
	}
	if err := c.sign(i.signer); err != nil {
		return nil, err
	}
	return &Identity{card: c, skey: i.skey, signer: i.signer, identities: i.identities, earlier: i.earlier, revoked: i.revoked}, nil
}

// Name returns the name on the identity's card.
func (i *Identity) Name() string { return i.card.Name }

// Signer signs with the identity's Ed25519 key. Where package archive signs heads with it,
// the approvals on the identity's card stand beside.
func (i *Identity) Signer() note.Signer { return signerOf(i.signer, i.card) }

// Verifier verifies what Signer signed.
func (i *Identity) Verifier() note.Verifier { return i.card.Verifier() }

// AgeIdentities returns what opens files sealed to this identity.
func (i *Identity) AgeIdentities() []age.Identity {
	return append([]age.Identity(nil), i.identities...)
}

// Recipients returns the recipients on the identity's card.
func (i *Identity) Recipients() []age.Recipient { return i.card.AgeRecipients() }

// Card returns the identity's card.
func (i *Identity) Card() (Card, error) { return i.card, nil }

// String returns the identity's name, so that no secret is printed by accident.
func (i *Identity) String() string { return "identity of " + i.card.Name }

// GoString returns what String does, for %#v.
func (i *Identity) GoString() string { return i.String() }

// signingKeyComment precedes the verifier key in the identity file. It ties the
// signing key, which is in a file of its own, to the age identity: somebody who
// can replace that file, but does not know the passphrase, cannot substitute
// another key.
const signingKeyComment = "# signing key: "

// marshal returns the identity file: comments and one age identity a line, as
// age-keygen writes it.
func (i *Identity) marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# sealtape identity of %s\n", i.card.Name)
	fmt.Fprintf(&b, "# created: %s\n", i.card.Created.Format(time.RFC3339))
	fmt.Fprintf(&b, "%s%s\n", signingKeyComment, i.card.Key)
	for _, s := range i.identities {
		switch s := s.(type) {
		case *age.HybridIdentity:
			fmt.Fprintf(&b, "# public key: %s\n", s.Recipient())
		case *age.X25519Identity:
			fmt.Fprintf(&b, "# public key: %s\n", s.Recipient())
		}
		fmt.Fprintf(&b, "%s\n", s)
	}
	return b.Bytes()
}

// maxIdentity bounds an identity file, in bytes.
const maxIdentity = 1 << 20

// parseIdentityFile reads an identity file. It returns the verifier key that
// the file names.
func parseIdentityFile(b []byte) (vkey string, ids []age.Identity, err error) {
	if len(b) > maxIdentity {
		return "", nil, errors.New("identity file is too long")
	}
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, maxIdentity)
	for sc.Scan() {
		if k, ok := strings.CutPrefix(sc.Text(), signingKeyComment); ok {
			if vkey != "" {
				return "", nil, errors.New("identity file names two signing keys")
			}
			vkey = k
		}
	}
	if err := sc.Err(); err != nil {
		return "", nil, errors.New("identity file has a line that is too long")
	}
	if vkey == "" {
		return "", nil, errors.New("identity file names no signing key")
	}
	ids, err = age.ParseIdentities(bytes.NewReader(b))
	if err != nil {
		// The text of the error is dropped: it is about a secret.
		return "", nil, errors.New("identity file is malformed")
	}
	return vkey, ids, nil
}

// assemble makes an identity of the contents of its files, and checks that they
// belong together.
func assemble(vkey string, ids []age.Identity, skey string, card Card) (*Identity, error) {
	s, err := note.NewSigner(strings.TrimSuffix(skey, "\n"))
	if err != nil {
		return nil, errors.New("signing key file is malformed")
	}
	_, v, err := parseKey(vkey)
	if err != nil {
		return nil, err
	}
	msg := []byte("sealtape.v1/self-test\n")
	sig, err := s.Sign(msg)
	if err != nil {
		return nil, err
	}
	if s.Name() != v.Name() || s.KeyHash() != v.KeyHash() || !v.Verify(msg, sig) {
		return nil, errors.New("the signing key is not the one that the identity file names")
	}
	if card.Key != vkey {
		return nil, errors.New("the card is not that of the identity")
	}
	return &Identity{card: card, skey: skey, signer: s, identities: ids}, nil
}
