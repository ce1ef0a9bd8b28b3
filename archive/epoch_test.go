package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// stanzas returns the types of the stanzas in an age file.
func stanzas(t *testing.T, file string) []string {
	t.Helper()
	_, err := age.Decrypt(strings.NewReader(file), classic(t))
	var noMatch *age.NoIdentityMatchError
	if !errors.As(err, &noMatch) {
		t.Fatalf("not an age file: %v", err)
	}
	return noMatch.StanzaTypes
}

// wantStanzas checks that an age file has n stanzas, all of one type.
func wantStanzas(t *testing.T, file, typ string, n int) {
	t.Helper()
	got := stanzas(t, file)
	if len(got) != n || slices.ContainsFunc(got, func(s string) bool { return s != typ }) {
		t.Errorf("%d stanzas %.100q, want %d of %s", len(got), got, n, typ)
	}
}

func TestEpochPadding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ readers, want int }{{1, 8}, {8, 8}, {9, 16}, {17, 32}, {512, 512}} {
		spool := t.TempDir()
		var hybrids, classics []age.Recipient
		h, c := hybrid(t), classic(t)
		for range test.readers {
			hybrids = append(hybrids, h.Recipient())
			classics = append(classics, c.Recipient())
		}
		w := create(t, spool, archive.Config{Signer: newSigner(t, "recorder")}, hybrids...)
		startEpoch(t, w, classics...)
		all := files(t, filepath.Join(spool, w.ID()))
		wantStanzas(t, all["epochs/000001.age"], "mlkem768x25519", test.want)
		wantStanzas(t, all["epochs/000002-classic.age"], "X25519", test.want)
		for _, name := range []string{"epochs/000001-classic.age", "epochs/000002.age"} {
			if _, ok := all[name]; ok {
				t.Errorf("%d readers: %s is there", test.readers, name)
			}
		}
		closeWriter(t, w)
	}
}

// More readers than one file is for get several, and each reads what they could
// read alone. A crash between the files leaves none of a reader's recording unread.
func TestManyReaders(t *testing.T) {
	spool, s := t.TempDir(), newSigner(t, "recorder")
	h, c := hybrid(t).Recipient(), classic(t).Recipient()
	first, last, old := hybrid(t), hybrid(t), classic(t)
	readers := append([]age.Recipient{first.Recipient()}, slices.Repeat([]age.Recipient{h}, 518)...)
	readers = append(readers, last.Recipient())
	readers = append(readers, slices.Repeat([]age.Recipient{c}, 600)...)
	readers = append(readers, old.Recipient())
	w := create(t, spool, archive.Config{Signer: s}, readers...)
	commit(t, begin(t, w, archive.Segment, []byte("all")))
	startEpoch(t, w, first.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("one")))
	closeWriter(t, w)

	all := files(t, filepath.Join(spool, w.ID()))
	wantStanzas(t, all["epochs/000001.age"], "mlkem768x25519", 512)
	wantStanzas(t, all["epochs/000001-02.age"], "mlkem768x25519", 8)
	wantStanzas(t, all["epochs/000001-classic.age"], "X25519", 512)
	wantStanzas(t, all["epochs/000001-classic-02.age"], "X25519", 128)
	wantStanzas(t, all["epochs/000002.age"], "mlkem768x25519", 8)
	for i, id := range []age.Identity{first, last, old} {
		r := verified(t, openDir(t, spool), w.ID(), s, id)
		got, err := r.ReadSegment(t.Context(), 0)
		if err != nil || string(got) != "all" {
			t.Errorf("reader %d: %q, %v", i, got, err)
		}
		if _, err := r.ReadSegment(t.Context(), 1); errors.Is(err, archive.ErrNoKey) != (i > 0) {
			t.Errorf("reader %d, the second epoch: %v", i, err)
		}
		if n, err := r.ReadersAtMost(t.Context(), 1); err != nil || n != 512+8+512+128 {
			t.Errorf("at most %d readers, %v", n, err)
		}
		if e := r.Epochs(); len(e) != 2 || !e[0].Hybrid || !e[0].Classic {
			t.Errorf("epochs %+v", e)
		}
	}
	// A copy has them all, in order, and a missing one is found.
	to := new(storetest.Mem)
	if err := archive.Copy(t.Context(), to, openDir(t, spool), w.ID()); err != nil {
		t.Fatal(err)
	}
	verified(t, to, w.ID(), s, last)
}

// The process dies before each of an epoch's files has its name. What is left is
// a recording without fault, and an epoch that nothing is sealed to.
func TestCrashBetweenEpochFiles(t *testing.T) {
	reader := hybrid(t)
	readers := append(slices.Repeat([]age.Recipient{reader.Recipient()}, 513), classic(t).Recipient())
	for die := range 3 {
		spool, s := t.TempDir(), newSigner(t, "recorder")
		links, armed := 0, false
		step := func(name string) {
			if armed && name == "link" {
				if links++; links == die+1 {
					panic(crash{})
				}
			}
		}
		w := createStepped(t, spool, archive.Config{Signer: s}, step, reader.Recipient())
		commit(t, begin(t, w, archive.Segment, []byte("before")))
		func() {
			defer func() {
				if r := recover(); r != (crash{}) {
					t.Fatalf("file %d: %v", die+1, r)
				}
			}()
			armed = true
			_, err := w.StartEpoch(readers)
			t.Errorf("file %d: the epoch was started: %v", die+1, err)
		}()
		if err := w.Crash(); err != nil {
			t.Fatal(err)
		}
		all := recoverAll(t, spool, archive.Config{Signer: s})
		if len(all) != 1 || len(all[0].Found) != die || len(all[0].Aside) != 0 {
			t.Errorf("file %d: %+v", die+1, all)
		}
		r := verified(t, openDir(t, spool), w.ID(), s, reader)
		if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "before" {
			t.Errorf("file %d: %q, %v", die+1, got, err)
		}
	}
}

// sshReader returns an SSH key pair for age.
func sshReader(t *testing.T) (age.Identity, age.Recipient) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := agessh.NewEd25519Identity(private)
	if err != nil {
		t.Fatal(err)
	}
	return id, id.Recipient()
}

// Classic readers get a file of their own, and everyone is told.
func TestClassicReaders(t *testing.T) {
	spool, s := t.TempDir(), newSigner(t, "recorder")
	pq, x := hybrid(t), classic(t)
	sshID, sshRecipient := sshReader(t)
	w := create(t, spool, archive.Config{Signer: s}, x.Recipient(), pq.Recipient(), sshRecipient)
	commit(t, begin(t, w, archive.Segment, []byte("both")))
	startEpoch(t, w, sshRecipient)
	commit(t, begin(t, w, archive.Segment, []byte("classic")))
	startEpoch(t, w, pq.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("hybrid")))
	closeWriter(t, w)

	all := files(t, filepath.Join(spool, w.ID()))
	wantStanzas(t, all["epochs/000001.age"], "mlkem768x25519", 8)
	if types := stanzas(t, all["epochs/000001-classic.age"]); len(types) != 8 || !slices.Contains(types, "ssh-ed25519") || slices.Contains(types, "mlkem768x25519") {
		t.Errorf("classic file: %q", types)
	}

	want := [][]string{{"both", "", "hybrid"}, {"both", "", ""}, {"both", "classic", ""}, {"", "", ""}}
	for i, id := range []age.Identity{pq, x, sshID, hybrid(t)} {
		r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{id}})
		if err != nil {
			t.Fatal(err)
		}
		if r.PostQuantum() {
			t.Error("the recording claims to be post-quantum")
		}
		infos := []archive.EpochInfo{{Number: 1, Hybrid: true, Classic: true}, {Number: 2, Classic: true}, {Number: 3, Hybrid: true}}
		if got := r.Epochs(); !slices.Equal(got, infos) {
			t.Errorf("epochs %+v, want %+v", got, infos)
		}
		for n, text := range want[i] {
			got, err := r.ReadSegment(t.Context(), n)
			if string(got) != text || text == "" && !errors.Is(err, archive.ErrNoKey) || text != "" && err != nil {
				t.Errorf("reader %d, segment %d: %q, %v, want %q", i, n, got, err, text)
			}
			if _, err := r.EpochSecret(t.Context(), n+1); (err == nil) != (text != "") {
				t.Errorf("reader %d, epoch %d: %v", i, n+1, err)
			}
		}
	}
}

// unlabelled hides the label by which age keeps post-quantum keys apart.
type unlabelled struct{ r age.Recipient }

func (u unlabelled) Wrap(key []byte) ([]*age.Stanza, error) { return u.r.Wrap(key) }

// labelled is a recipient that makes no sense.
type labelled struct {
	stanzas []*age.Stanza
	labels  []string
}

func (l labelled) Wrap([]byte) ([]*age.Stanza, error) { return l.stanzas, nil }
func (l labelled) WrapWithLabels([]byte) ([]*age.Stanza, []string, error) {
	return l.stanzas, l.labels, nil
}

func TestBadReaders(t *testing.T) {
	t.Parallel()
	good := hybrid(t).Recipient()
	scrypt, err := age.NewScryptRecipient("passphrase")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(1)
	x := &age.Stanza{Type: "X25519"}
	for name, readers := range map[string][]age.Recipient{
		"none":                  {},
		"nil":                   {good, nil},
		"too many":              slices.Repeat([]age.Recipient{good}, archive.MaxReaders+1),
		"passphrase":            {good, scrypt},
		"hybrid as classic":     {good, unlabelled{good}},
		"classic as hybrid":     {good, labelled{[]*age.Stanza{x}, []string{"postquantum"}}},
		"two stanzas":           {good, labelled{[]*age.Stanza{x, x}, nil}},
		"no stanza":             {good, labelled{nil, nil}},
		"label of its own":      {good, labelled{[]*age.Stanza{x}, []string{"alone"}}},
		"post-quantum and more": {good, labelled{[]*age.Stanza{{Type: "mlkem768x25519"}}, []string{"postquantum", "alone"}}},
	} {
		t.Run(name, func(t *testing.T) {
			spool := t.TempDir()
			w := create(t, spool, archive.Config{Signer: newSigner(t, "recorder")}, good)
			before := files(t, spool)
			_, err := w.StartEpoch(readers)
			if err == nil || name == "none" && !errors.Is(err, archive.ErrNoReaders) {
				t.Errorf("StartEpoch: %v", err)
			}
			if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
				t.Errorf("Create after the failure: %v", err)
			}
			if after := files(t, spool); len(after) != len(before) {
				t.Errorf("left %d files instead of %d", len(after), len(before))
			}
			startEpoch(t, w, good)
			commit(t, begin(t, w, archive.Segment, nil))
			closeWriter(t, w)
		})
	}
}

// forge stores a recording of the given objects, in this order, as a recorder
// could that does not follow the rules.
func forge(t testing.TB, s signer, objects ...[2]string) (archive.Store, string) {
	t.Helper()
	mem, id := new(storetest.Mem), archive.NewID()
	var entries []archive.Entry
	for _, o := range objects {
		mem.Set(id+"/"+o[0], []byte(o[1]))
		entries = append(entries, archive.Entry{Name: o[0], SHA256: sha256.Sum256([]byte(o[1]))})
	}
	log, head, err := archive.Forge(id, entries, archive.StateClosed, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, lines := 0, bytes.SplitAfter(log, []byte("\n")); i < len(entries); i += 1024 {
		mem.Set(fmt.Sprintf("%s/log/%04d", id, i/1024), bytes.Join(lines[i:min(i+1024, len(entries))], nil))
	}
	mem.Set(id+"/head", head)
	return mem, id
}

func encrypt(t testing.TB, text string, readers ...age.Recipient) string {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, readers...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Objects that are genuine, and not what they should be.
func TestForgedObjects(t *testing.T) {
	s, pq, x, secret := newSigner(t, "recorder"), hybrid(t), classic(t), hybrid(t)
	line := secret.String() + "\n"
	segment := encrypt(t, "media", secret.Recipient())
	for name, test := range map[string]struct {
		epoch, content, segment string
		ok                      bool
	}{
		"as it should be":         {"epochs/000001.age", encrypt(t, line, pq.Recipient()), segment, true},
		"classic as it should be": {"epochs/000001-classic.age", encrypt(t, line, x.Recipient()), segment, true},
		"mixed":                   {"epochs/000001.age", encrypt(t, line, unlabelled{pq.Recipient()}, x.Recipient()), segment, false},
		"mixed classic":           {"epochs/000001-classic.age", encrypt(t, line, x.Recipient(), unlabelled{pq.Recipient()}), segment, false},
		"classic, not named so":   {"epochs/000001.age", encrypt(t, line, x.Recipient()), segment, false},
		"hybrid, named classic":   {"epochs/000001-classic.age", encrypt(t, line, pq.Recipient()), segment, false},
		"no line end":             {"epochs/000001.age", encrypt(t, secret.String(), pq.Recipient()), segment, false},
		"two lines":               {"epochs/000001.age", encrypt(t, line+line, pq.Recipient()), segment, false},
		"another kind of secret":  {"epochs/000001.age", encrypt(t, x.String()+"\n", pq.Recipient()), segment, false},
		"no secret":               {"epochs/000001.age", encrypt(t, "", pq.Recipient()), segment, false},
		"no age file":             {"epochs/000001.age", line, segment, false},
		"segment to another key":  {"epochs/000001.age", encrypt(t, line, pq.Recipient()), encrypt(t, "media", pq.Recipient()), false},
		"segment cut":             {"epochs/000001.age", encrypt(t, line, pq.Recipient()), segment[:len(segment)-1], false},
		"segment with more":       {"epochs/000001.age", encrypt(t, line, pq.Recipient()), segment + "x", false},
		"segment not sealed":      {"epochs/000001.age", encrypt(t, line, pq.Recipient()), "media", false},
	} {
		t.Run(name, func(t *testing.T) {
			store, id := forge(t, s, [2]string{test.epoch, test.content}, [2]string{"segments/000000.age", test.segment})
			r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{x, pq}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.ReadSegment(t.Context(), 0)
			if test.ok && (err != nil || string(got) != "media") {
				t.Errorf("got %q, %v", got, err)
			}
			if !test.ok && (err == nil || got != nil) {
				t.Errorf("read %q", got)
			}
			if err != nil && (strings.Contains(err.Error(), secret.String()[20:]) || strings.Contains(err.Error(), x.String()[20:])) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}
