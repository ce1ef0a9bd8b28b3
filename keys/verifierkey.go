package keys

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/approval"
)

// keyName returns the name of a signing key in signed notes. Everybody who has
// the store can read heads, so the name is made from the key and says nothing
// else.
func keyName(pub ed25519.PublicKey) string { return approval.KeyName(pub) }

// VerifierKey returns the verifier key of a public key, in its one form.
func VerifierKey(pub ed25519.PublicKey) (string, error) {
	if len(pub) != ed25519.PublicKeySize {
		return "", errors.New("signing key: not of 32 bytes")
	}
	return note.NewEd25519VerifierKey(keyName(pub), pub)
}

// PublicKey returns the public key in a verifier key. It accepts the one form only.
func PublicKey(vkey string) (ed25519.PublicKey, error) {
	pub, _, err := parseKey(vkey)
	return pub, err
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

// A signature is one line of a signed note. As a note.Signer it returns that
// signature again.
type signature struct {
	name string
	hash uint32
	sig  []byte // Ed25519, or what is on the line of an approval.Given
}

func (s signature) Name() string                { return s.name }
func (s signature) KeyHash() uint32             { return s.hash }
func (s signature) Sign([]byte) ([]byte, error) { return s.sig, nil }

// by reports whether s is v's signature of text.
func (s signature) by(v note.Verifier, text string) bool {
	return s.name == v.Name() && s.hash == v.KeyHash() && v.Verify([]byte(text), s.sig)
}

// given returns the approval that travels with recordings, if s is one.
func (s signature) given() (approval.Given, bool) { return approval.ParseGiven(s.name, s.hash, s.sig) }

// parseSignature parses a signature line. It does not verify the signature.
func parseSignature(s note.Signature) (signature, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) < 4 || !strings.HasPrefix(s.Name, keyNamePrefix) {
		return signature{}, errors.New("malformed signature")
	}
	sig := signature{s.Name, binary.BigEndian.Uint32(raw), raw[4:]}
	if _, travels := sig.given(); len(sig.sig) != ed25519.SignatureSize && !travels {
		return signature{}, errors.New("malformed signature")
	}
	return sig, nil
}
