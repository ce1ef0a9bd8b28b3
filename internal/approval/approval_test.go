package approval

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// newKey returns a signer whose key is made from a word.
func newKey(t testing.TB, word string) (note.Signer, note.Verifier, ed25519.PublicKey) {
	t.Helper()
	seed := sha256.Sum256([]byte(word))
	key := ed25519.NewKeyFromSeed(seed[:])
	pub := key.Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(KeyName(pub), pub)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	if err != nil {
		t.Fatal(err)
	}
	return s, v, pub
}

// line returns the signature line of an approval.
func line(t testing.TB, s note.Signer) note.Signature {
	t.Helper()
	b, err := s.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw := append([]byte{byte(s.KeyHash() >> 24), byte(s.KeyHash() >> 16), byte(s.KeyHash() >> 8), byte(s.KeyHash())}, b...)
	return note.Signature{Name: s.Name(), Hash: s.KeyHash(), Base64: base64.StdEncoding.EncodeToString(raw)}
}

// TestStated: an approval is read as it was made, and counts for its key, its card, its
// time and its approver alone.
func TestStated(t *testing.T) {
	fleet, v, _ := newKey(t, "fleet")
	_, other, _ := newKey(t, "other")
	_, worker, pub := newKey(t, "worker")
	_, _, strange := newKey(t, "strange")
	vkey, err := note.NewEd25519VerifierKey(worker.Name(), pub)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 5, time.UTC)
	given, err := Give(fleet, vkey, "a card\n", at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := given.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	if read, ok := ParseGiven(given.Name(), given.KeyHash(), b); !ok || !read.ApprovedBy(v, vkey, "a card\n") || read.ApprovedBy(other, vkey, "a card\n") ||
		read.ApprovedBy(v, vkey, "another card\n") || !read.Time.Equal(at.Truncate(time.Second)) {
		t.Errorf("%+v, %v", read, ok)
	}
	stated := Stated{given, pub, sha256.Sum256([]byte("a card\n"))}
	read, ok := ParseStated(line(t, stated))
	if !ok || !read.ApprovedBy(v) || read.ApprovedBy(other) || read.By != v.Name() || !bytes.Equal(read.Recorder, pub) {
		t.Fatalf("%+v, %v", read, ok)
	}
	if key, err := read.VerifierKey(); key != vkey || err != nil {
		t.Errorf("%s, %v", key, err)
	}
	for name, change := range map[string]func(*Stated){
		"recorder": func(s *Stated) { s.Recorder = strange },
		"card":     func(s *Stated) { s.Card[5]++ },
		"time":     func(s *Stated) { s.Time = s.Time.Add(time.Second) },
		"approver": func(s *Stated) { s.By = other.Name() },
		"key ID":   func(s *Stated) { s.ID++ },
	} {
		s := stated
		if change(&s); s.ApprovedBy(v) || s.ApprovedBy(other) {
			t.Errorf("it counts for another %s", name)
		}
	}
	// The approval signs nothing else, and no other signature is one.
	if sig, err := fleet.Sign([]byte(Text(vkey, stated.Card, at))); err != nil || !bytes.Equal(sig, given.Sig) {
		t.Errorf("the text that is documented is not what is signed: %v", err)
	}
	if got, want := Text("KEY", [32]byte{1}, at), "sealtape.v1/approval\nrecorder: KEY\ncard: 01"+strings.Repeat("00", 31)+"\ntime: 2026-11-29T12:00:00Z\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzStated(f *testing.F) {
	_, v, pub := newKey(f, "fleet")
	f.Add(v.Name(), line(f, Stated{Given{By: v.Name(), ID: 7, Time: time.Unix(1, 0), Sig: make([]byte, 64)}, pub, [32]byte{1}}).Base64)
	f.Fuzz(func(t *testing.T, name, b64 string) {
		sig := note.Signature{Name: name, Hash: lineID(name), Base64: b64}
		s, ok := ParseStated(sig)
		if !ok {
			return
		}
		if again := line(t, s); again != sig {
			t.Errorf("%v is read as %v", sig, again)
		}
		_ = s.ApprovedBy(v)
	})
}

func FuzzGiven(f *testing.F) {
	_, v, _ := newKey(f, "fleet")
	f.Add(v.Name(), make([]byte, given))
	f.Fuzz(func(t *testing.T, name string, sig []byte) {
		g, ok := ParseGiven(name, lineID(name), sig)
		if !ok {
			return
		}
		if again, err := g.Sign(nil); err != nil || !bytes.Equal(again, sig) {
			t.Errorf("%x is read as %x, %v", sig, again, err)
		}
		_ = g.ApprovedBy(v, "x", "y")
	})
}
