package archive_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
)

// Who can write to the store can put shares there. None of these opens anything.
func TestSharesThatDoNotCount(t *testing.T) {
	m := newMeeting(t, true)
	to := m.carol.id.Recipient()
	text := func(id string, to person, lines ...string) string {
		return "sealtape.v1/grant\nrecording: " + id + "\nto: " + to.key + "\ntime: 2026-03-01T09:30:00Z\n" + strings.Join(lines, "\n") + "\n"
	}
	good := "epoch: 1 " + m.secrets[0]
	signed := func(by note.Signer, text string) string {
		msg, err := note.Sign(&note.Note{Text: text}, by)
		if err != nil {
			t.Fatal(err)
		}
		return string(msg)
	}
	stranger := newPerson(t, "ada") // a namesake
	foreign := m.put(t, stranger, text(m.id, m.carol, good), to)
	other := m.put(t, m.ada, text(archive.NewID(), m.carol, good), to)
	badSignature := m.putNote(t, strings.Replace(signed(m.ada, text(m.id, m.carol, good)), "09:30:00Z", "09:30:01Z", 1), to)
	notANote := m.putNote(t, text(m.id, m.carol, good), to)
	both, err := note.Sign(&note.Note{Text: text(m.id, m.carol, good)}, m.ada, m.bob)
	if err != nil {
		t.Fatal(err)
	}
	twoSignatures := m.putNote(t, string(both), to)
	noEpochs := m.put(t, m.ada, strings.TrimSuffix(text(m.id, m.carol), "\n"), to)
	order := m.put(t, m.ada, text(m.id, m.carol, "epoch: 2 "+m.secrets[1], good), to)
	lower := m.put(t, m.ada, text(m.id, m.carol, strings.ToLower(good)), to)

	// Seen without an error, and of no use: the grant of a liar, and one to Bob
	// that Bob sealed to Carol.
	wrong := m.put(t, m.bob, text(m.id, m.carol, "epoch: 1 "+hybrid(t).String()), to)
	passedOn := m.put(t, m.ada, text(m.id, m.bob, good), to)

	// Not seen at all.
	m.putNote(t, signed(m.ada, text(m.id, m.bob, good)), m.bob.id.Recipient())
	m.store.Set(m.id+"/shares/"+archive.NewID()+".age", []byte("no age file"))
	m.store.Set(m.id+"/shares/"+archive.NewID()+".age", make([]byte, 2<<20))
	m.store.Set(m.id+"/shares/x.age", []byte("x"))

	want := map[string]bool{ // with an error
		foreign: true, other: true, badSignature: true, notANote: true, twoSignatures: true, noEpochs: true,
		order: true, lower: true, wrong: false, passedOn: false,
	}
	grants, err := m.open(t, m.carol).Grants(t.Context())
	if err != nil || len(grants) != len(want) {
		t.Errorf("%d grants, want %d; %v", len(grants), len(want), err)
	}
	for _, g := range grants {
		bad, ok := want[g.Name]
		if !ok || (g.Err != nil) != bad {
			t.Errorf("%+v, want one with an error: %v", g, bad)
		}
		if errors.Is(g.Err, archive.ErrForeignSigner) != (g.Name == foreign) {
			t.Errorf("%+v", g)
		}
		if g.Err != nil && strings.Contains(strings.ToUpper(g.Err.Error()), "SECRET-KEY") {
			t.Errorf("the error shows a secret: %v", g.Err)
		}
	}
	m.wantOpens(t, "carol", m.carol)

	// And none is in the way of a good one.
	m.share(t, m.ada, m.carol, 1)
	m.wantOpens(t, "carol", m.carol, 1)
}

// However many shares there are, so many are read, and a store that fails is
// told from a key that does not fit.
func TestSharesBounded(t *testing.T) {
	m := newMeeting(t, false)
	for range 1200 {
		m.store.Set(m.id+"/shares/"+archive.NewID()+".age", make([]byte, 13_000))
		m.store.Set(m.id+"/shares/"+archive.NewID()+".age", []byte("too small to be any"))
	}
	gets := make(chan string, 4000)
	m.store.OnGet = func(name string, data []byte) ([]byte, error) {
		if strings.Contains(name, "/shares/") {
			gets <- name
		}
		return data, nil
	}
	r := m.open(t, m.carol)
	for n := range 3 {
		if _, err := r.EpochSecret(t.Context(), n+1); !errors.Is(err, archive.ErrNoKey) || !errors.Is(err, archive.ErrMoreShares) {
			t.Errorf("epoch %d: %v", n+1, err)
		}
	}
	if got := len(gets); got != 1024 {
		t.Errorf("%d shares were read, want 1024, once", got)
	}

	broken := errors.New("broken")
	m.store.OnGet = func(name string, data []byte) ([]byte, error) {
		if strings.Contains(name, "/shares/") {
			return nil, broken
		}
		return data, nil
	}
	r = m.open(t, m.carol)
	if _, err := r.EpochSecret(t.Context(), 1); !errors.Is(err, broken) || errors.Is(err, archive.ErrNoKey) {
		t.Errorf("a store that fails: %v", err)
	}
	m.store.OnGet = nil
	if _, err := r.EpochSecret(t.Context(), 1); !errors.Is(err, archive.ErrNoKey) {
		t.Errorf("the store is back: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.open(t, m.carol).Grants(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
