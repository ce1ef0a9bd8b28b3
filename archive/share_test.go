package archive_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A person signs and reads.
type person struct {
	note.Signer
	key      string // the verifier key
	verifier note.Verifier
	id       *age.HybridIdentity
}

func newPerson(t testing.TB, name string) person {
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
	return person{s, vkey, v, hybrid(t)}
}

// A meeting is a closed recording of three epochs with one segment each: Ada
// reads all, Bob the second.
type meeting struct {
	store           *storetest.Mem
	id              string
	recorder        signer
	ada, bob, carol person
	recorded        map[string]string // all objects
	secrets         []string          // of the epochs
	plain           []string          // of the segments
}

func newMeeting(t *testing.T, indexes bool) *meeting {
	t.Helper()
	m := &meeting{
		store: &storetest.Mem{}, recorder: newSigner(t, "recorder"), plain: []string{"zero", "one", "two"},
		ada: newPerson(t, "ada"), bob: newPerson(t, "bob"), carol: newPerson(t, "carol"),
	}
	spool := t.TempDir()
	w, err := archive.Create(spool, archive.Config{Signer: m.recorder})
	if err != nil {
		t.Fatal(err)
	}
	m.id = w.ID()
	for n, text := range m.plain {
		readers := []age.Recipient{m.ada.id.Recipient()}
		if n == 1 {
			readers = append(readers, m.bob.id.Recipient())
		}
		startEpoch(t, w, readers...)
		commit(t, begin(t, w, archive.Segment, []byte(text)))
		if indexes {
			commit(t, begin(t, w, archive.Index, []byte("index")))
		}
	}
	closeWriter(t, w)
	if err := archive.Copy(t.Context(), m.store, openDir(t, spool), m.id); err != nil {
		t.Fatal(err)
	}
	m.recorded = m.objects(t)
	for n := range m.plain {
		secret, err := m.open(t, m.ada).EpochSecret(t.Context(), n+1)
		if err != nil {
			t.Fatal(err)
		}
		m.secrets = append(m.secrets, secret.(*age.HybridIdentity).String())
	}
	return m
}

// objects returns the objects of the store.
func (m *meeting) objects(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for info, err := range m.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _ := m.store.Object(info.Name)
		all[strings.TrimPrefix(info.Name, m.id+"/")] = string(data)
	}
	return all
}

// open opens the recording as p, who trusts the recorder, Ada and Bob.
func (m *meeting) open(t *testing.T, p person) *archive.Recording {
	t.Helper()
	recorder, err := m.recorder.verifiers.Verifier(m.recorder.Name(), m.recorder.KeyHash())
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{
		Verifiers:  note.VerifierList(recorder, m.ada.verifier, m.bob.verifier),
		Identities: []age.Identity{p.id}, Self: []string{p.key},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantOpens checks which epochs p opens.
func (m *meeting) wantOpens(t *testing.T, who string, p person, want ...int) {
	t.Helper()
	r := m.open(t, p)
	for n, text := range m.plain {
		got, err := r.ReadSegment(t.Context(), n)
		if slices.Contains(want, n+1) {
			if err != nil || string(got) != text {
				t.Errorf("%s, segment %d: %q, %v", who, n, got, err)
			}
		} else if !errors.Is(err, archive.ErrNoKey) {
			t.Errorf("%s, segment %d: %q, %v, want ErrNoKey", who, n, got, err)
		}
	}
}

func (m *meeting) share(t *testing.T, from, to person, epochs ...int) archive.Grant {
	t.Helper()
	g, err := m.open(t, from).Share(t.Context(), archive.ShareConfig{
		Signer: from, To: to.key, Recipients: []age.Recipient{to.id.Recipient()}, Epochs: epochs,
		Time: time.Date(2026, 3, 1, 9, 30, 0, 5, time.FixedZone("", 3600)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// put seals a share by hand.
func (m *meeting) put(t *testing.T, by note.Signer, text string, to ...age.Recipient) string {
	t.Helper()
	msg, err := note.Sign(&note.Note{Text: text}, by)
	if err != nil {
		t.Fatal(err)
	}
	return m.putNote(t, string(msg), to...)
}

func (m *meeting) putNote(t *testing.T, msg string, to ...age.Recipient) string {
	t.Helper()
	var b bytes.Buffer
	for i := range 7 { // a share without its padding is none
		if _, ok := to[0].(*age.HybridRecipient); ok && i >= len(to)-1 {
			to = append(to, hybrid(t).Recipient())
		}
	}
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, msg); err != nil {
		t.Fatal(err)
	}
	closeWriter(t, w)
	name := archive.ShareName(b.Bytes())
	m.store.Set(m.id+"/"+name, b.Bytes())
	return name
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, indexes := range []bool{false, true} {
		m := newMeeting(t, indexes)
		m.wantOpens(t, "ada", m.ada, 1, 2, 3)
		m.wantOpens(t, "bob", m.bob, 2)
		m.wantOpens(t, "carol", m.carol)

		// Bob opens one epoch, so that is all he can give.
		_, err := m.open(t, m.bob).Share(t.Context(), archive.ShareConfig{
			Signer: m.bob, To: m.carol.key, Recipients: []age.Recipient{m.carol.id.Recipient()}, Epochs: []int{2, 3}})
		if !errors.Is(err, archive.ErrNoKey) {
			t.Errorf("sharing what one cannot open: %v", err)
		}
		if got := m.objects(t); !maps.Equal(got, m.recorded) {
			t.Error("a failed share left something")
		}
		g := m.share(t, m.bob, m.carol)
		want := time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)
		if g.By != "bob" || g.To != m.carol.key || !g.Time.Equal(want) || !slices.Equal(g.Epochs, []int{2}) || g.Err != nil {
			t.Errorf("grant %+v", g)
		}
		m.wantOpens(t, "carol", m.carol, 2)
		m.share(t, m.ada, m.carol, 3, 1, 3)
		m.wantOpens(t, "carol", m.carol, 1, 2, 3)
		m.wantOpens(t, "bob", m.bob, 2)
		grants, err := m.open(t, m.carol).Grants(t.Context())
		if err != nil || len(grants) != 2 {
			t.Fatalf("%+v, %v", grants, err)
		}
		for _, g := range grants {
			if g.Err != nil || !(g.By == "bob" && slices.Equal(g.Epochs, []int{2}) || g.By == "ada" && slices.Equal(g.Epochs, []int{1, 3})) {
				t.Errorf("grant %+v", g)
			}
		}
		if grants, err := m.open(t, m.bob).Grants(t.Context()); err != nil || len(grants) != 0 {
			t.Errorf("Bob sees %+v, %v", grants, err)
		}

		// What was recorded is as it was, and what was added keeps its secrets.
		got := m.objects(t)
		for name, data := range got {
			if strings.HasPrefix(name, "shares/") {
				wantStanzas(t, data, "mlkem768x25519", 8)
				delete(got, name)
			}
			for _, secret := range m.secrets {
				if strings.Contains(data, secret) {
					t.Errorf("%s has a secret in the clear", name)
				}
			}
		}
		if !maps.Equal(got, m.recorded) {
			t.Error("sharing changed what was recorded")
		}
		report, err := archive.Verify(t.Context(), m.store, m.id, archive.Options{Verifiers: m.recorder.verifiers}, func(p archive.Problem) { t.Errorf("%+v", p) })
		if err != nil || !report.OK() {
			t.Errorf("%+v, %v", report, err)
		}

		// Copies take the shares along.
		other := &storetest.Mem{}
		if err := archive.Copy(t.Context(), other, m.store, m.id); err != nil {
			t.Fatal(err)
		}
		m.store = other
		m.wantOpens(t, "carol, of the copy", m.carol, 1, 2, 3)
	}
}

func TestShareRefused(t *testing.T) {
	m := newMeeting(t, false)
	x := classic(t)
	_, sshRecipient := sshReader(t)
	one := []age.Recipient{m.carol.id.Recipient()}
	for name, test := range map[string]struct {
		c    archive.ShareConfig
		want error // nil for any
	}{
		"nobody":       {archive.ShareConfig{Signer: m.ada, To: m.carol.key}, archive.ErrNoReaders},
		"classic":      {archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: []age.Recipient{x.Recipient()}}, archive.ErrClassic},
		"ssh":          {archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: []age.Recipient{sshRecipient}}, archive.ErrClassic},
		"mixed":        {archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: append(slices.Clone(one), x.Recipient())}, archive.ErrClassic},
		"many":         {archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: slices.Repeat(one, 65)}, nil},
		"no signer":    {archive.ShareConfig{To: m.carol.key, Recipients: one}, nil},
		"no card":      {archive.ShareConfig{Signer: m.ada, Recipients: one}, nil},
		"two lines":    {archive.ShareConfig{Signer: m.ada, To: m.carol.key + "\nx", Recipients: one}, nil},
		"no epoch":     {archive.ShareConfig{Signer: m.ada, To: m.carol.key, Recipients: one, Epochs: []int{4}}, fs.ErrNotExist},
		"not a reader": {archive.ShareConfig{Signer: m.carol, To: m.bob.key, Recipients: one}, archive.ErrNoKey},
	} {
		from := m.ada
		if name == "not a reader" {
			from = m.carol
		}
		if _, err := m.open(t, from).Share(t.Context(), test.c); err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := m.objects(t); !maps.Equal(got, m.recorded) {
		t.Error("a refused share left something")
	}
}

// What a key granted that was revoked since opens nothing, whatever time the grant
// says; a reader is told so where nothing else opens it. Who only poses as that key
// is a stranger.
func TestRevokedGrants(t *testing.T) {
	m := newMeeting(t, false)
	m.share(t, m.bob, m.carol, 2)
	open := func(revoked note.Verifiers) *archive.Recording {
		t.Helper()
		r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{
			Verifiers: m.recorder.verifiers, Revoked: revoked, Identities: []age.Identity{m.carol.id}, Self: []string{m.carol.key}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, tt := range []struct {
		name    string
		revoked note.Verifiers
		want    error
	}{
		{"revoked", note.VerifierList(m.bob.verifier), archive.ErrRevokedGrant},
		{"another", note.VerifierList(m.carol.verifier), archive.ErrForeignSigner},
		{"none", nil, archive.ErrForeignSigner},
	} {
		r := open(tt.revoked)
		_, err := r.EpochSecret(t.Context(), 2)
		if !errors.Is(err, archive.ErrNoKey) || errors.Is(err, archive.ErrRevokedGrant) != (tt.want == archive.ErrRevokedGrant) {
			t.Errorf("%s: epoch 2: %v", tt.name, err)
		}
		if _, err := r.EpochSecret(t.Context(), 1); !errors.Is(err, archive.ErrNoKey) || errors.Is(err, archive.ErrRevokedGrant) {
			t.Errorf("%s: epoch 1: %v", tt.name, err)
		}
		if gs, err := r.Grants(t.Context()); err != nil || len(gs) != 1 || !errors.Is(gs[0].Err, tt.want) {
			t.Errorf("%s: grants %+v, %v", tt.name, gs, err)
		}
	}
}

// A share with a classic stanza is not read, whoever it is for.
func TestShareMixedStanzas(t *testing.T) {
	m := newMeeting(t, false)
	x := classic(t)
	m.put(t, m.ada, "sealtape.v1/grant\nrecording: "+m.id+"\nto: "+m.carol.key+
		"\ntime: 2026-03-01T09:30:00Z\nepoch: 1 "+m.secrets[0]+"\n", x.Recipient())
	r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{
		Verifiers: m.recorder.verifiers, Identities: []age.Identity{x}})
	if err != nil {
		t.Fatal(err)
	}
	if grants, err := r.Grants(t.Context()); err != nil || len(grants) != 0 {
		t.Errorf("%+v, %v", grants, err)
	}
}

// Who is told the name of a share needs no other, however many there are.
func TestShareByName(t *testing.T) {
	m := newMeeting(t, false)
	for range 1200 {
		m.store.Set(m.id+"/shares/0000"+archive.NewID()[4:]+".age", make([]byte, 13_000))
	}
	random := strings.TrimSuffix(strings.TrimPrefix(m.share(t, m.ada, m.carol).Name, "shares/"), ".age")
	verifiers := note.VerifierList(m.ada.verifier, must(m.recorder.verifiers.Verifier(m.recorder.Name(), m.recorder.KeyHash())))
	open := func(p person, share string) *archive.Recording {
		t.Helper()
		r, err := archive.Open(t.Context(), m.store, m.id, archive.Options{
			Verifiers: verifiers, Identities: []age.Identity{p.id}, Self: []string{p.key}, Share: share,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if random > "0000Z" {
		if _, err := open(m.carol, "").ReadSegment(t.Context(), 0); !errors.Is(err, archive.ErrMoreShares) {
			t.Errorf("without the name: %v", err)
		}
	}
	m.store.OnGet = func(name string, data []byte) ([]byte, error) {
		if strings.Contains(name, "/shares/") && !strings.Contains(name, random) {
			t.Errorf("%s was read", name)
		}
		return data, nil
	}
	r := open(m.carol, random)
	for n, want := range m.plain {
		if got, err := r.ReadSegment(t.Context(), n); err != nil || string(got) != want {
			t.Errorf("segment %d: %q, %v", n, got, err)
		}
	}
	m.store.OnGet = nil
	if grants, err := r.Grants(t.Context()); err != nil || len(grants) != 1 || grants[0].Err != nil {
		t.Errorf("%+v, %v", grants, err)
	}
	// The name alone opens nothing, and one of nothing is no harm.
	for _, share := range []string{random, archive.NewID(), "../head", "x"} {
		if _, err := open(m.bob, share).ReadSegment(t.Context(), 0); !errors.Is(err, archive.ErrNoKey) {
			t.Errorf("bob, %s: %v", share, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
