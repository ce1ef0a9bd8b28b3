package main

import (
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// One that goes on is left alone by the next, while it is written and while it is
// copied.
func TestSweepResealLeavesTheLiving(t *testing.T) {
	s := newSpoolTest(t, 1) // what a killed one left
	work := s.spool
	w, err := archive.Create(work, archive.Config{Signer: s.sweep.key.signer})
	if err != nil {
		t.Fatal(err)
	}
	sweep := func(want ...string) {
		t.Helper()
		if err := sweepReseal(work); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(work)
		if err != nil || len(left) != len(want) || len(want) == 1 && left[0].Name() != want[0] {
			t.Errorf("left are %v, %v, want %q", left, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(work, s.id)); err != nil {
		t.Fatal(err)
	}
	sweep(w.ID())
	if _, err := w.StartEpoch([]age.Recipient{s.reader.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := archive.HoldSpooled(work, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	sweep(w.ID())
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	sweep()
}
