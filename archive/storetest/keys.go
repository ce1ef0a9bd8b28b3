package storetest

import (
	"crypto/rand"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// SigningKeys makes the signing key of a recorder called name, and what verifies it.
func SigningKeys(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}
