package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

func TestAdmit(t *testing.T) {
	ctx := context.Background()
	s, first, late, stranger := newSigner(t, "recorder"), hybrid(t), hybrid(t), hybrid(t)
	lateSigner := newPerson(t, "late")
	spool := t.TempDir()
	w, err := archive.Create(spool, archive.Config{Signer: s, KeepSecret: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Admit(lateSigner.key, []age.Recipient{late.Recipient()}); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("before any epoch: %v", err)
	}
	if _, err := w.StartEpoch([]age.Recipient{first.Recipient()}); err != nil {
		t.Fatal(err)
	}
	segment := func() {
		o, err := w.Create(archive.Segment)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Write(content(o.Number(), 9000)); err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	segment()
	g, err := w.Admit(lateSigner.key, []age.Recipient{late.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if g.To != lateSigner.key || g.By != s.Name() || len(g.Epochs) != 1 || g.Epochs[0] != 1 {
		t.Errorf("grant %+v", g)
	}
	if _, err := w.Admit(lateSigner.key, []age.Recipient{classic(t).Recipient()}); !errors.Is(err, archive.ErrClassic) {
		t.Errorf("a classic key: %v", err)
	}
	segment()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Admit(lateSigner.key, []age.Recipient{late.Recipient()}); err == nil {
		t.Error("admitted a reader after the end")
	}

	store := new(storetest.Mem)
	if err := archive.Copy(ctx, store, openDir(t, spool), w.ID()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		key   age.Identity
		opens bool
	}{{"first", first, true}, {"late", late, true}, {"stranger", stranger, false}} {
		r := verified(t, store, w.ID(), s, tt.key)
		for _, seg := range r.Segments() {
			got, err := r.ReadSegment(ctx, seg.Number)
			if opened := err == nil && bytes.Equal(got, content(seg.Number, 9000)); opened != tt.opens {
				t.Errorf("%s: segment %d: %d bytes, %v", tt.name, seg.Number, len(got), err)
			}
		}
	}
	shares, err := os.ReadDir(filepath.Join(spool, w.ID(), "shares"))
	if err != nil || len(shares) != 1 {
		t.Errorf("shares in the spool: %v, %v", shares, err)
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
	if _, err := w.Admit(newPerson(t, "late").key, []age.Recipient{hybrid(t).Recipient()}); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("got %v, want ErrNoEpoch", err)
	}
}
