package clock

import (
	"context"
	"crypto/rand"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
)

// signingKeys makes the recorder's signing key.
func signingKeys(t *testing.T) (note.Signer, note.Verifier) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "recorder")
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

// source lets package playback read an archive.Recording.
type source struct{ *archive.Recording }

func (s source) Segments() (ns []int) {
	for _, seg := range s.Recording.Segments() {
		ns = append(ns, seg.Number)
	}
	return ns
}

func (s source) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	return s.Recording.ReadSegment(ctx, n)
}
