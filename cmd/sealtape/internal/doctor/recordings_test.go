//go:build unix

package doctor

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// Who was pinned with classic keys is named.
func TestCheckClassicKeys(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Cleo", "Hugh"} {
		id, err := keys.Generate(name)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err == nil && name == "Cleo" {
			card, err = classicCard(id)
		}
		if err == nil {
			err = h.Add(card)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SEALTAPE_HOME", h.Dir())
	d, e := newDiagnosis(), &ui.Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	if got, _ := checkKeys(t.Context(), e, d); got == nil {
		t.Fatalf("%+v", d.Findings)
	}
	var said []string
	for _, f := range d.Findings {
		said = append(said, f.Result+" "+f.Name+": "+f.Text)
	}
	all := strings.Join(said, "\n")
	if !strings.Contains(all, "ok pinned cards: 2: Cleo, Hugh\nwarning classic keys: Cleo") {
		t.Errorf("got:\n%s", all)
	}
}

// classicCard returns the card of id with a classic key in place of its own.
func classicCard(id *keys.Identity) (keys.Card, error) {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		return keys.Card{}, err
	}
	card, err := id.Card()
	if err != nil {
		return keys.Card{}, err
	}
	b, err := card.Marshal()
	if err != nil {
		return keys.Card{}, err
	}
	n, err := note.Open(b, note.VerifierList(card.Verifier()))
	if err != nil {
		return keys.Card{}, err
	}
	text := strings.Replace(n.Text, card.Recipients[0], x.Recipient().String(), 1)
	if b, err = note.Sign(&note.Note{Text: text}, id.Signer()); err != nil {
		return keys.Card{}, err
	}
	return keys.ParseCard(b)
}

// Of many recordings, those made here last are looked at first.
func TestCheckRecordingsLimit(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var store storetest.Mem
	var ours []string
	for i := range newestLooked + 10 {
		id := archive.NewID()
		store.Set(id+"/head", []byte("not a head"))
		if i < 3 {
			ours = append(ours, id)
			if err := access.NoteRecorded(h, id, time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC)); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(ours)
	e := &ui.Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	for _, all := range []bool{false, true} {
		d := newDiagnosis()
		if err := checkRecordings(t.Context(), e, d, h, &store, nil, all); err != nil {
			t.Fatal(err)
		}
		looked := newestLooked
		if all {
			looked += 10
		}
		if len(d.Recordings) != looked || d.LeftOut != newestLooked+10-looked || d.Failures() != looked {
			t.Errorf("all %t: %d recordings, %d left out, %d failed", all, len(d.Recordings), d.LeftOut, d.Failures())
		}
		for i, id := range ours {
			if d.Recordings[i].ID != id {
				t.Errorf("all %t: recording %d is not one of ours, in order", all, i)
			}
		}
	}
}
