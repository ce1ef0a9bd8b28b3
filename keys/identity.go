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

// An Identity is one's own keys, secret halves included. Its methods are safe
// for concurrent use. Nothing of it prints a secret.
type Identity struct {
	card       Card
	skey       string // the signing key, in the encoding of note.NewSigner
	signer     note.Signer
	identities []age.Identity
}

// Generate makes a new identity. The name is the one on its card; it is put in
// Unicode normal form C and must then be 1 to 64 printable characters, with no
// space but single ones inside. Errors wrap ErrBadName.
func Generate(name string) (*Identity, error) {
	name = norm.NFC.String(name)
	if err := checkName(name); err != nil {
		return nil, err
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
			Name:       name,
			Created:    time.Now().UTC().Truncate(time.Second),
			Key:        vkey,
			Recipients: []string{secret.Recipient().String()},
		},
	}
	if id.signer, err = note.NewSigner(id.skey); err != nil {
		return nil, err
	}
	return id, id.card.sign(id.signer)
}

// Name returns the name on the identity's card.
func (i *Identity) Name() string { return i.card.Name }

// Signer signs with the identity's Ed25519 key.
func (i *Identity) Signer() note.Signer { return i.signer }

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

// GoString does the same for %#v.
func (i *Identity) GoString() string { return i.String() }

// signingKeyComment precedes the verifier key in the identity file. It ties
// the signing key, which lies in a file of its own, to the age identity: who
// can replace the file but does not know the passphrase cannot slip in a key.
const signingKeyComment = "# signing key: "

// marshal returns the identity file: comments and one age identity a line, as
// age-keygen writes it.
func (i *Identity) marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# sealtape identity of %s\n", i.card.Name)
	fmt.Fprintf(&b, "# created: %s\n", i.card.Created.Format(time.RFC3339))
	fmt.Fprintf(&b, "%s%s\n", signingKeyComment, i.card.Key)
	for n, s := range i.identities {
		fmt.Fprintf(&b, "# public key: %s\n%s\n", i.card.Recipients[n], s)
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
		// The text of the error is not passed on: it is about a secret.
		return "", nil, errors.New("identity file is malformed")
	}
	return vkey, ids, nil
}

// assemble puts an identity together from its files and checks that they belong
// to each other.
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
