package archive_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func TestAdmit(t *testing.T) {
	s, first, late, stranger := newSigner(t, "recorder"), hybrid(t), hybrid(t), hybrid(t)
	spool, heads := t.TempDir(), 0
	w, err := archive.Create(spool, archive.Config{Signer: s, KeepSecret: true, Changed: func() { heads++ }})
	if err != nil {
		t.Fatal(err)
	}
	to := func(ids ...*age.HybridIdentity) (r []age.Recipient) {
		for _, id := range ids {
			r = append(r, id.Recipient())
		}
		return r
	}
	if err := w.Admit(to(late)); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("before any epoch: %v", err)
	}
	startEpoch(t, w, to(first)...)
	commit(t, begin(t, w, archive.Segment, []byte("segment 0")))
	open := begin(t, w, archive.Segment, []byte("segment 1"))
	before := heads
	if err := w.Admit(to(hybrid(t), late)); err != nil || heads != before+1 {
		t.Fatalf("%v, %d heads", err, heads-before)
	}
	if err := w.Admit([]age.Recipient{classic(t).Recipient()}); !errors.Is(err, archive.ErrClassic) {
		t.Errorf("a classic key: %v", err)
	}
	if err := w.Admit(nil); !errors.Is(err, archive.ErrNoReaders) {
		t.Errorf("nobody: %v", err)
	}
	commit(t, open)
	closeWriter(t, w)
	if err := w.Admit(to(late)); err == nil {
		t.Error("admitted a reader after the end")
	}
	wantStanzas(t, files(t, filepath.Join(spool, w.ID()))["epochs/000001-late-0001.age"], "mlkem768x25519", 8)

	store := new(storetest.Mem)
	if err := archive.Copy(t.Context(), store, openDir(t, spool), w.ID()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		key   age.Identity
		opens bool
	}{{"first", first, true}, {"late", late, true}, {"stranger", stranger, false}} {
		r := verified(t, store, w.ID(), s, tt.key)
		for _, seg := range r.Segments() {
			got, err := r.ReadSegment(t.Context(), seg.Number)
			if opened := err == nil && string(got) == fmt.Sprintf("segment %d", seg.Number); opened != tt.opens {
				t.Errorf("%s: segment %d: %d bytes, %v", tt.name, seg.Number, len(got), err)
			}
		}
	}
}

// Hundreds of late readers open what they attended, whatever someone who can only
// put objects puts beside it.
func TestLateReadersBesideJunk(t *testing.T) {
	const readers, junk = 300, 10_000
	s, secret := newSigner(t, "recorder"), hybrid(t)
	late := func(to age.Recipient) string { return encrypt(t, secret.String()+"\n", to) }
	some := map[int]*age.HybridIdentity{0: hybrid(t), 255: hybrid(t), 256: hybrid(t), readers - 1: hybrid(t)}
	anyone := late(hybrid(t).Recipient())
	objects := [][2]string{{"epochs/000001.age", anyone}, {"segments/000000.age", encrypt(t, "all", secret.Recipient())}}
	for i := range readers {
		sealed := anyone
		if id, ok := some[i]; ok {
			sealed = late(id.Recipient())
		}
		objects = append(objects, [2]string{fmt.Sprintf("epochs/000001-late-%04d.age", i+1), sealed})
	}
	forged, id := forge(t, s, objects...)
	mem := forged.(*storetest.Mem)
	folder := t.TempDir()
	stores := map[string]archive.Store{"memory": mem, "folder": openDir(t, folder)}
	content := make([]byte, 13_000) // as large as what it poses as
	for i := range junk {
		var name string
		switch {
		case i < readers:
			name = fmt.Sprintf("%s/epochs/000001-late-%04d.age", id, readers+1+i)
		case i%2 == 0:
			name = id + "/shares/" + archive.NewID() + ".age"
		default:
			name = fmt.Sprintf("%s/segments/%06d.age", id, i)
		}
		mem.Set(name, content[:1+i%len(content)])
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content[:1+i%8], 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c := archive.NewCopier(stores["folder"], mem, id)
	if err := c.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, store := range stores {
		for i, key := range some {
			r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{key}})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "all" {
				t.Errorf("%s: late reader %d: %q, %v", name, i+1, got, err)
			}
		}
	}
}

// Another late reader costs the store one object, log and head, and not all those
// before them again.
func TestCopyOneMoreReader(t *testing.T) {
	s, spool := newSigner(t, "recorder"), t.TempDir()
	w := create(t, spool, archive.Config{Signer: s, KeepSecret: true}, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("all")))
	dst, puts := new(storetest.Mem), new(putLog)
	dst.OnPut = puts.hook
	c := archive.NewCopier(dst, openDir(t, spool), w.ID())
	for i := range 4 {
		if err := w.Admit([]age.Recipient{hybrid(t).Recipient()}); err != nil {
			t.Fatal(err)
		}
		if err := c.Copy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := puts.take(); i > 0 && len(got) != 3 {
			t.Errorf("reader %d: put %q", i+1, got)
		}
	}
	closeWriter(t, w)
}

// The recorder dies with a late reader's file on the disk, and nothing that names
// it: it is found, and the reader reads.
func TestCrashAfterAdmission(t *testing.T) {
	s, late := newSigner(t, "recorder"), hybrid(t)
	for _, step := range []string{"log", "head", "done"} {
		spool, armed := t.TempDir(), false
		die := func(name string) {
			if armed && name == step {
				panic(crash{})
			}
		}
		w := createStepped(t, spool, archive.Config{Signer: s, KeepSecret: true}, die, hybrid(t).Recipient())
		if err := w.Admit([]age.Recipient{hybrid(t).Recipient()}); err != nil {
			t.Fatal(err)
		}
		commit(t, begin(t, w, archive.Segment, []byte("before")))
		func() {
			defer func() {
				if r := recover(); r != (crash{}) {
					t.Fatalf("%s: %v", step, r)
				}
			}()
			armed = true
			err := w.Admit([]age.Recipient{late.Recipient()})
			t.Errorf("%s: admitted, %v", step, err)
		}()
		if err := w.Crash(); err != nil {
			t.Fatal(err)
		}
		recoverAll(t, spool, archive.Config{Signer: s})
		r := verified(t, openDir(t, spool), w.ID(), s, late)
		if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "before" {
			t.Errorf("%s: %q, %v", step, got, err)
		}
	}
}

// Without KeepSecret the writer cannot admit anyone: it has forgotten.
func TestAdmitNeedsTheSecret(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	w, err := archive.Create(t.TempDir(), archive.Config{Signer: s})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Admit([]age.Recipient{hybrid(t).Recipient()}); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("got %v, want ErrNoEpoch", err)
	}
}
