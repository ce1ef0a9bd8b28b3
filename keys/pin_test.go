package keys_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
	"golang.org/x/mod/sumdb/note"
)

func add(t *testing.T, h *keys.Home, cards ...keys.Card) {
	t.Helper()
	for _, c := range cards {
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
	}
}

func approve(t *testing.T, by *keys.Identity, c keys.Card) keys.Card {
	t.Helper()
	c, err := by.Approve(c)
	if err != nil {
		t.Fatal(err)
	}
	return reread(t, c)
}

// reread sends a card through its file.
func reread(t *testing.T, c keys.Card) keys.Card {
	t.Helper()
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = keys.ParseCard(b); err != nil {
		t.Fatal(err)
	}
	return c
}

func person(t *testing.T, h *keys.Home, name string) (keys []string) {
	t.Helper()
	cards, err := h.Person(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cards {
		keys = append(keys, c.Key)
	}
	return keys
}

// Several devices: a second card under a name is taken if the first approved it,
// and not otherwise.
func TestDevices(t *testing.T) {
	h := openHome(t, t.TempDir())
	laptop, laptopCard, _ := generate(t, "Ada")
	phone, err := keys.GenerateAs(keys.Description{Name: "Ada", Device: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	phoneCard := mustCard(t, phone)
	add(t, h, laptopCard)
	if err := h.Add(phoneCard); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("a second card without approval: %v", err)
	}
	eve, _, _ := generate(t, "Eve")
	if _, err := eve.Approve(phoneCard); !errors.Is(err, keys.ErrOtherName) {
		t.Errorf("Eve approves a card of Ada: %v", err)
	}
	stranger, _, _ := generate(t, "Ada")
	if err := h.Add(approve(t, stranger, phoneCard)); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("approved by another Ada: %v", err)
	}
	approved := approve(t, laptop, phoneCard)
	if how, err := h.CanAdd(approved); how != keys.Approved || err != nil {
		t.Errorf("%q, %v", how, err)
	}
	add(t, h, approved, approved)
	if got := person(t, h, "ada"); len(got) != 2 {
		t.Errorf("Ada has %d cards, want 2", len(got))
	}
	if how, err := h.CanAdd(phoneCard); how != keys.Known || err != nil {
		t.Errorf("%q, %v", how, err)
	}
	// Both sign.
	vs, err := h.Verifiers()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []*keys.Identity{laptop, phone} {
		msg, err := note.Sign(&note.Note{Text: "x\n"}, id.Signer())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(msg, vs); err != nil {
			t.Error(err)
		}
	}
	if err := h.Remove("Ada", "tablet"); !errors.Is(err, keys.ErrNoMember) {
		t.Error(err)
	}
	if err := h.Remove("Ada", "phone"); err != nil {
		t.Error(err)
	}
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != laptopCard.Key {
		t.Errorf("left %v", got)
	}
	add(t, h, approved)
	if err := h.Remove("Ada", ""); err != nil {
		t.Error(err)
	}
	if _, err := h.Person("Ada"); !errors.Is(err, keys.ErrNoMember) {
		t.Error(err)
	}
}

// A key change that the old key approved is taken without comparing words, and
// the old key does not count from then on, even after the new card was renewed.
func TestKeyChange(t *testing.T) {
	h := openHome(t, t.TempDir())
	first, firstCard, _ := generate(t, "Ada")
	second, err := first.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	third, err := second.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(third.AgeIdentities()) != 3 || len(third.Recipients()) != 1 {
		t.Errorf("%d identities, %d recipients", len(third.AgeIdentities()), len(third.Recipients()))
	}
	secondCard, thirdCard := reread(t, mustCard(t, second)), reread(t, mustCard(t, third))
	if secondCard.Replaces != firstCard.Key || !secondCard.ApprovedBy(firstCard.Verifier()) {
		t.Errorf("successor %+v", secondCard)
	}
	add(t, h, firstCard)
	if err := h.Add(thirdCard); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("a card whose chain has a hole: %v", err)
	}
	add(t, h, secondCard, thirdCard)
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != thirdCard.Key {
		t.Errorf("counts: %v", got)
	}
	// The old key cannot approve any more.
	thief, _, _ := generate(t, "Ada")
	if err := h.Add(approve(t, first, mustCard(t, thief))); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("approved by a key that was replaced: %v", err)
	}
	pins, err := h.Pins()
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	for _, p := range pins {
		if errors.Is(p.Live(time.Now()), keys.ErrReplaced) {
			replaced++
		}
	}
	if len(pins) != 3 || replaced != 2 {
		t.Errorf("%d pins, %d replaced, want 3, 2", len(pins), replaced)
	}
}

func TestExpiryAndRenewal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := openHome(t, dir)
		id, err := keys.GenerateAs(keys.Description{Name: "Ada", Expires: time.Now().Add(24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		add(t, h, reread(t, mustCard(t, id)))
		person(t, h, "Ada")
		if _, err := id.Renew(time.Time{}); err == nil {
			t.Error("two cards of one moment")
		}
		time.Sleep(25 * time.Hour)
		if _, err := h.Person("Ada"); !errors.Is(err, keys.ErrExpired) {
			t.Errorf("expired: %v", err)
		}
		if err := h.Add(mustCard(t, id)); !errors.Is(err, keys.ErrExpired) {
			t.Errorf("pinning an expired card: %v", err)
		}
		again, err := id.Renew(time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		add(t, h, reread(t, mustCard(t, again)))
		person(t, h, "Ada")
		if err := h.Add(mustCard(t, id)); !errors.Is(err, keys.ErrExpired) {
			t.Errorf("the older card: %v", err)
		}
	})
}

func TestRevocation(t *testing.T) {
	h := openHome(t, t.TempDir())
	laptop, laptopCard, _ := generate(t, "Ada")
	phone, _, _ := generate(t, "Ada")
	phoneCard := approve(t, laptop, mustCard(t, phone))
	stranger, _, _ := generate(t, "Ada")
	add(t, h, laptopCard, phoneCard)

	send := func(by *keys.Identity, c keys.Card) error {
		t.Helper()
		r, err := by.Revoke(c, "lost on a train")
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !keys.IsRevocation(b) {
			t.Error("does not look like a revocation")
		}
		if r, err = keys.ParseRevocation(b); err != nil {
			t.Fatal(err)
		}
		return h.Revoke(r)
	}
	if err := send(stranger, phoneCard); !errors.Is(err, keys.ErrBadRevocation) {
		t.Errorf("a stranger revokes: %v", err)
	}
	if err := send(stranger, mustCard(t, stranger)); err != nil {
		t.Errorf("a stranger's own, which is not pinned: %v", err)
	}
	eve, _, _ := generate(t, "Eve")
	if _, err := eve.Revoke(phoneCard, ""); !errors.Is(err, keys.ErrOtherName) {
		t.Errorf("Eve revokes Ada: %v", err)
	}
	if got := person(t, h, "Ada"); len(got) != 2 {
		t.Fatalf("%d cards count", len(got))
	}
	if err := send(laptop, phoneCard); err != nil {
		t.Fatal(err)
	}
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != laptopCard.Key {
		t.Errorf("counts: %v", got)
	}
	if err := h.Add(phoneCard); !errors.Is(err, keys.ErrRevoked) {
		t.Errorf("pinned again: %v", err)
	}
	// Who is revoked revokes nobody, and approves nobody.
	if err := send(phone, laptopCard); !errors.Is(err, keys.ErrBadRevocation) {
		t.Errorf("the revoked one revokes: %v", err)
	}
	thief, _, _ := generate(t, "Ada")
	if err := h.Add(approve(t, phone, mustCard(t, thief))); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("the revoked one approves: %v", err)
	}
	if err := send(laptop, laptopCard); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Person("Ada"); !errors.Is(err, keys.ErrRevoked) {
		t.Error(err)
	}
	// Gone from the list, the key stays revoked.
	if err := h.Remove("Ada", ""); err != nil {
		t.Fatal(err)
	}
	if err := h.Add(laptopCard); !errors.Is(err, keys.ErrRevoked) {
		t.Errorf("pinned after it was removed: %v", err)
	}
}

func TestParseRevocationRefuses(t *testing.T) {
	id, c, card := generate(t, "Ada")
	r, err := id.Revoke(c, "stolen")
	if err != nil {
		t.Fatal(err)
	}
	good, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ParseRevocation(good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		if r, err := keys.ParseRevocation(b); err == nil && r.SignedBy(c.Verifier()) {
			t.Fatalf("a flipped bit in byte %d passed", i)
		}
	}
	for _, b := range [][]byte{nil, card, good[:len(good)-1], append(good, good...), bytes.Repeat([]byte("x"), keys.MaxRevocation+1)} {
		if _, err := keys.ParseRevocation(b); !errors.Is(err, keys.ErrBadRevocation) {
			t.Errorf("%.30q: %v", b, err)
		}
	}
	if _, err := id.Revoke(c, "two\nlines"); err == nil {
		t.Error("a reason of two lines")
	}
}

func FuzzParseRevocation(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzParseRevocation"))
	if err != nil || len(entries) < 3 {
		f.Fatalf("the committed corpus has %d entries: %v", len(entries), err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := keys.ParseRevocation(b)
		if err != nil {
			if !errors.Is(err, keys.ErrBadRevocation) {
				t.Errorf("error without ErrBadRevocation: %v", err)
			}
			return
		}
		if again, err := r.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("round trip gave %q, %v", again, err)
		}
		r.Fingerprint() // must not panic
	})
}
