package dir_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A draft that goes on is left alone by the next OpenDrafts, while it is written and
// while it is copied; one that a killed process left is not. Whoever removes the last
// removes the folder.
func TestDrafts(t *testing.T) {
	signer, verifier := storetest.SigningKeys(t, "ada")
	me, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(t.TempDir(), "drafts")
	create := func() *archive.Writer {
		t.Helper()
		w, err := archive.Create(work, archive.Config{Signer: signer})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	finish := func(w *archive.Writer) {
		t.Helper()
		if _, err := w.StartEpoch([]age.Recipient{me.Recipient()}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var keep []string
	open := func(want ...string) *dir.Drafts {
		t.Helper()
		d, err := dir.OpenDrafts(work, keep...)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		left, err := os.ReadDir(work)
		for _, f := range left {
			names = append(names, f.Name())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !slices.Equal(names, want) {
			t.Errorf("left are %q, %v, want %q", names, err, want)
		}
		return d
	}
	d := open()
	killed := create()
	finish(killed) // and nobody removed it
	// Half removed.
	if err := os.Mkdir(filepath.Join(work, ".removed-"+killed.ID()), 0o700); err != nil {
		t.Fatal(err)
	}
	keep = []string{killed.ID(), ".removed-" + killed.ID() + "-not"}
	open(killed.ID())
	keep = nil
	w := create()
	open(w.ID())
	finish(w)
	h, err := archive.HoldSpooled(work, w.ID()) // as Copy does
	if err != nil {
		t.Fatal(err)
	}
	open(w.ID())
	if err := d.Copy(t.Context(), nil, w.ID()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("copied while another holds it: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	store, err := dir.Create(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := d.Copy(t.Context(), store, w.ID()); err != nil {
		t.Fatal(err)
	}
	if r, err := archive.Verify(t.Context(), store, w.ID(), archive.Options{Verifiers: note.VerifierList(verifier)}, func(p archive.Problem) { t.Error(p) }); err != nil || !r.OK() {
		t.Errorf("the copy: %+v, %v", r, err)
	}
	for range 2 { // the second has nothing to do
		if err := d.Remove(w.ID()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(work); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// A faultyStore fails, or ends a context, when its second object is put.
type faultyStore struct {
	archive.Store
	puts int
	end  context.CancelFunc // nil: Put fails
	keep bool               // Purge fails, too
}

var errFaulty = errors.New("faulty")

func (s *faultyStore) Put(ctx context.Context, name string, b archive.Blob) error {
	if s.puts++; s.puts == 2 && s.end == nil {
		return errFaulty
	} else if s.puts == 2 {
		s.end()
	}
	return s.Store.Put(ctx, name, b)
}

func (s *faultyStore) Purge(ctx context.Context, prefix string) error {
	if s.keep {
		return errFaulty
	}
	return s.Store.Purge(ctx, prefix)
}

// TestDeliver: of a recording that cannot be brought to a store, nothing is left there.
func TestDeliver(t *testing.T) {
	signer, _ := storetest.SigningKeys(t, "ada")
	me, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	d, err := dir.OpenDrafts(filepath.Join(t.TempDir(), "drafts"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.Create(d.Path(), archive.Config{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{me.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store")
	to, err := dir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for _, kind := range []string{"fails", "interrupted", "kept", ""} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &faultyStore{Store: to, keep: kind == "kept"}
		switch kind {
		case "interrupted":
			s.end = cancel
		case "":
			s.puts = 2 // nothing goes wrong
		}
		err := d.Deliver(ctx, s, w.ID())
		left := false
		for _, lerr := range to.Prefixes(t.Context()) {
			left = left || lerr == nil
		}
		if (err == nil) != (kind == "") || left != (kind == "" || kind == "kept") || kind == "interrupted" && !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v, left: %v", kind, err, left)
		}
	}
}
