package archive_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
)

// A grant that was named is there, whole, and the reader's, or it is said what is wrong:
// with a key, and as far as that goes without one.
func TestNamedShare(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	name := m.share(t, m.ada, m.carol).Name
	share := strings.TrimSuffix(strings.TrimPrefix(name, "shares/"), ".age")
	whole, _ := m.store.Object(m.id + "/" + name)
	flipped := func(at int) []byte {
		b := slices.Clone(whole)
		b[at] ^= 1
		return b
	}
	end := bytes.LastIndex(whole, []byte("\n--- "))
	for what, c := range map[string]struct {
		data    []byte
		by      person
		damaged bool // with a key, and without one
		want    error
	}{
		"whole":                   {data: whole, by: m.carol},
		"of others":               {data: whole, by: m.bob, want: archive.ErrNoKey},
		"empty":                   {by: m.carol, damaged: true},
		"no age file":             {data: []byte("no age file"), by: m.carol, damaged: true},
		"cut in the header":       {data: whole[:end/2], by: m.carol, damaged: true},
		"cut behind the header":   {data: whole[:end+60], by: m.carol, damaged: true},
		"cut in the end":          {data: whole[:len(whole)-1], by: m.carol, damaged: true},
		"flipped in the version":  {data: flipped(3), by: m.carol, damaged: true},
		"flipped in the mac":      {data: flipped(end + 10), by: m.carol, damaged: true},
		"flipped in what it says": {data: flipped(len(whole) - 20), by: m.carol, damaged: true},
		"too large":               {data: make([]byte, 2<<20), by: m.carol, damaged: true},
	} {
		m.store.Set(m.id+"/"+name, c.data)
		var corrupt *archive.CorruptError
		if err := archive.CheckShare(t.Context(), m.store, m.id, share); errors.As(err, &corrupt) != c.damaged || err != nil && !c.damaged {
			t.Errorf("%s, without a key: %v", what, err)
		}
		err := m.openNamed(t, c.by, share).CheckNamed(t.Context())
		if errors.As(err, &corrupt) != c.damaged || c.want != nil && !errors.Is(err, c.want) || err != nil && !c.damaged && c.want == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	m.store.Set(m.id+"/"+name, whole)
	for _, share := range []string{archive.NewID(), "x"} {
		if err := archive.CheckShare(t.Context(), m.store, m.id, share); !errors.Is(err, archive.ErrNoShare) {
			t.Errorf("%s, without a key: %v", share, err)
		}
		if err := m.openNamed(t, m.carol, share).CheckNamed(t.Context()); !errors.Is(err, archive.ErrNoShare) {
			t.Errorf("%s: %v", share, err)
		}
	}
}

// openNamed is open by the name of a share.
func (m *meeting) openNamed(t *testing.T, p person, share string) *archive.Recording {
	t.Helper()
	r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{
		Verifiers: m.recorder.verifiers, Identities: []age.Identity{p.id}, Self: []string{p.key}, Share: share,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A share that an invitation names counts without its giver's card, and no other one does.
// It opens what the recorder signed, or nothing. Whose key was revoked gives nothing.
func TestInvitedShare(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	share := strings.TrimSuffix(strings.TrimPrefix(m.share(t, m.bob, m.carol, 2).Name, "shares/"), ".age")
	for _, tt := range []struct {
		name    string
		share   string
		invited bool
		by      person
		self    string
		revoked note.Verifiers
		opens   bool
		want    error // of the grant
	}{
		{name: "invited", share: share, invited: true, by: m.carol, self: m.carol.key, opens: true},
		{name: "another's key revoked", share: share, invited: true, by: m.carol, self: m.carol.key, revoked: note.VerifierList(m.ada.verifier), opens: true},
		{name: "named only", share: share, by: m.carol, self: m.carol.key, want: archive.ErrForeignSigner},
		{name: "another is named", share: archive.NewID(), invited: true, by: m.carol, self: m.carol.key, want: archive.ErrForeignSigner},
		{name: "none is named", invited: true, by: m.carol, self: m.carol.key, want: archive.ErrForeignSigner},
		{name: "revoked", share: share, invited: true, by: m.carol, self: m.carol.key, revoked: note.VerifierList(m.bob.verifier), want: archive.ErrRevokedGrant},
		{name: "to another's card", share: share, invited: true, by: m.carol, self: m.ada.key},
	} {
		r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{Verifiers: m.recorder.verifiers, Revoked: tt.revoked,
			Identities: []age.Identity{tt.by.id}, Self: []string{tt.self}, Share: tt.share, Invited: tt.invited})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.EpochSecret(t.Context(), 2); (err == nil) != tt.opens || err != nil && !errors.Is(err, archive.ErrNoKey) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := r.EpochSecret(t.Context(), 1); !errors.Is(err, archive.ErrNoKey) {
			t.Errorf("%s: the epoch that was not granted: %v", tt.name, err)
		}
		gs, err := r.Grants(t.Context())
		if err != nil || len(gs) != 1 || !errors.Is(gs[0].Err, tt.want) || gs[0].Claimed != (tt.want == nil) {
			t.Errorf("%s: grants %+v, %v", tt.name, gs, err)
		}
		if g, err := r.ClaimedShare(t.Context()); err != nil || (g != nil) != (tt.want == nil) {
			t.Errorf("%s: claimed %+v, %v", tt.name, g, err)
		}
	}
}
