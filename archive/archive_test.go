package archive_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A signer is a recorder's signing key and what readers know of it.
type signer struct {
	note.Signer
	verifiers note.Verifiers
}

func newSigner(t testing.TB, name string) signer {
	t.Helper()
	s, v := storetest.SigningKeys(t, name)
	return signer{s, note.VerifierList(v)}
}

func hybrid(t testing.TB) *age.HybridIdentity {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func classic(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// openDir opens a folder as a store.
func openDir(t testing.TB, path string) *dir.Store {
	t.Helper()
	s, err := dir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// create begins a recording with one epoch.
func create(t testing.TB, spool string, c archive.Config, readers ...age.Recipient) *archive.Writer {
	t.Helper()
	return createStepped(t, spool, c, func(string) {}, readers...)
}

// createStepped is create with a function that is called before each durable step.
func createStepped(t testing.TB, spool string, c archive.Config, step func(string), readers ...age.Recipient) *archive.Writer {
	t.Helper()
	w, err := archive.CreateStepped(spool, c, step)
	if err != nil {
		t.Fatal(err)
	}
	startEpoch(t, w, readers...)
	return w
}

func startEpoch(t testing.TB, w *archive.Writer, readers ...age.Recipient) {
	t.Helper()
	if _, err := w.StartEpoch(readers); err != nil {
		t.Fatal(err)
	}
}

// begin creates an object and writes data to it.
func begin(t testing.TB, w *archive.Writer, k archive.Kind, data []byte) *archive.Object {
	t.Helper()
	o, err := w.Create(k)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := o.Write(data); err != nil || n != len(data) {
		t.Fatalf("wrote %d bytes of %d: %v", n, len(data), err)
	}
	return o
}

func commit(t testing.TB, o *archive.Object) {
	t.Helper()
	if err := o.Commit(); err != nil {
		t.Fatal(err)
	}
}

func closeWriter(t testing.TB, w io.Closer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Everything there is, once: record, copy, list, verify, open, read.
func TestRecording(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	spool := t.TempDir()
	s := newSigner(t, "recorder")
	alice, bob := hybrid(t), hybrid(t)
	changed := 0
	w := create(t, spool, archive.Config{Signer: s, Changed: func() { changed++ }}, alice.Recipient(), bob.Recipient())

	large := make([]byte, 3_000_000)
	rand.Read(large)
	segments := [][]byte{[]byte("first"), large, {}, []byte("of epoch 2"), []byte("last")}
	index := []byte(`{"segments":3}`)
	for i, data := range segments[:3] {
		o := begin(t, w, archive.Segment, data)
		if o.Number() != i || o.Epoch() != 1 {
			t.Errorf("segment %d of epoch %d, want %d of 1", o.Number(), o.Epoch(), i)
		}
		commit(t, o)
	}
	commit(t, begin(t, w, archive.Index, index))
	startEpoch(t, w, bob.Recipient())
	for _, data := range segments[3:] {
		commit(t, begin(t, w, archive.Segment, data))
	}
	closeWriter(t, w)
	closeWriter(t, w) // again does nothing
	if want := 2 + 5 + 1 + 1; changed != want {
		t.Errorf("Changed was called %d times, want %d", changed, want)
	}

	local, mem, folder := openDir(t, spool), new(storetest.Mem), openDir(t, t.TempDir())
	for _, dst := range []archive.Store{mem, folder} {
		if err := archive.Copy(ctx, dst, local, w.ID()); err != nil {
			t.Fatal(err)
		}
	}
	for name, store := range map[string]archive.Store{"spool": local, "mem": mem, "folder": folder} {
		t.Run(name, func(t *testing.T) {
			if id, err := archive.FindID(ctx, store, w.ID()[:3]); err != nil || id != w.ID() {
				t.Fatalf("FindID: %q, %v", id, err)
			}
			heads := archive.HeadDir(t.TempDir())
			o := archive.Options{Verifiers: s.verifiers, Heads: heads}
			report, err := archive.Verify(ctx, store, w.ID(), o, func(p archive.Problem) { t.Error(p) })
			if err != nil || !report.OK() || report.Objects != 8 || report.Head.State != archive.StateClosed {
				t.Errorf("Verify: %+v, %v", report, err)
			}
			readAs(t, store, w.ID(), o, bob, segments, 0)
			readAs(t, store, w.ID(), o, alice, segments, 3)

			o.Identities = []age.Identity{hybrid(t), bob}
			r, err := archive.Open(ctx, store, w.ID(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.ReadIndex(ctx, 0); err != nil || !bytes.Equal(got, index) {
				t.Errorf("index 0: %q, %v", got, err)
			}
			if !r.PostQuantum() || len(r.Epochs()) != 2 || r.Head().State != archive.StateClosed {
				t.Errorf("epochs %+v, head %+v", r.Epochs(), r.Head())
			}
			if tail, err := r.Tail(ctx); err != nil || len(tail) != 0 {
				t.Errorf("tail %v, %v", tail, err)
			}
		})
	}
}

// readAs reads all segments as one reader, who must be able to read the first
// readable of them (0: all), and no other.
func readAs(t *testing.T, s archive.Store, id string, o archive.Options, reader age.Identity, want [][]byte, readable int) {
	t.Helper()
	ctx := context.Background()
	o.Identities = []age.Identity{reader}
	r, err := archive.Open(ctx, s, id, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Segments()) != len(want) {
		t.Fatalf("%d segments, want %d", len(r.Segments()), len(want))
	}
	for i, data := range want {
		got, err := r.ReadSegment(ctx, i)
		if readable > 0 && i >= readable {
			if !errors.Is(err, archive.ErrNoKey) || got != nil {
				t.Errorf("segment %d: %d bytes, %v, want ErrNoKey", i, len(got), err)
			}
		} else if err != nil || !bytes.Equal(got, data) {
			t.Errorf("segment %d: %d bytes, %v", i, len(got), err)
		}
	}
}

// What the head does not sign is shown, and is no part of the recording.
func TestTail(t *testing.T) {
	s := newSigner(t, "recorder")
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, nil))
	open := begin(t, w, archive.Segment, nil)
	store := openDir(t, spool)
	r, err := archive.Open(t.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers})
	if err != nil {
		t.Fatal(err)
	}
	tail, err := r.Tail(t.Context())
	if err != nil || len(tail) != 1 || tail[0].Name != open.Name()+".part" || tail[0].Size != open.Size() {
		t.Errorf("tail %v, %v", tail, err)
	}
	if n := len(r.Segments()); n != 1 || len(r.Objects(archive.Segment)) != 1 || len(r.Objects(archive.Epoch)) != 1 || len(r.Indexes()) != 0 {
		t.Errorf("%d segments, entries %v", n, r.Entries())
	}
	if by := r.Signers(); len(by) != 1 || by[0] != (archive.Signer{Name: "recorder"}) {
		t.Errorf("signed by %v", by)
	}
	if _, err := r.ReadSegment(t.Context(), 0); !errors.Is(err, archive.ErrNoKey) {
		t.Errorf("reading without a key: %v", err)
	}
	commit(t, open)
	closeWriter(t, w)
}
