//go:build unix

package main

import (
	"bytes"
	"context"
	"iter"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// A growing store is one that a recorder writes to while someone looks: there is
// more after each listing.
type growing struct {
	*storetest.Mem
	grow func()
}

func (s *growing) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) {
		defer s.grow()
		s.Mem.List(ctx, prefix)(yield)
	}
}

// Nothing is missing from a recording that goes on, whenever one looks.
func TestListWhileRecording(t *testing.T) {
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	spool := t.TempDir()
	w, err := archive.Create(spool, archive.Config{Signer: id.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch(id.Recipients()); err != nil {
		t.Fatal(err)
	}
	src, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	store := &growing{Mem: new(storetest.Mem)}
	copier := archive.NewCopier(store.Mem, src, w.ID())
	segments := 0
	store.grow = func() {
		o, err := w.Create(archive.Segment)
		if err == nil {
			err = o.Commit()
		}
		if err == nil {
			err = copier.Copy(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		segments++
	}
	store.grow()
	a := &access.Access{Env: &ui.Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}, Store: store, Trust: &keys.Trust{Recorders: note.VerifierList(id.Verifier())}}
	for range 3 {
		before := segments
		d, err := glance(t.Context(), a, w.ID(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if l := show.ListedOf(d); l.State != "open" || l.Missing != 0 || l.Segments != before || l.Bytes == 0 {
			t.Errorf("%+v, want %d segments", l, before)
		}
		rec, err := a.OpenTape(t.Context(), w.ID(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		i, _, err := info(t.Context(), a, rec)
		if err != nil || i.State != "open" || len(i.Missing) != 0 {
			t.Errorf("%+v, %v", i, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}
