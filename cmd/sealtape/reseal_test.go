package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// One that goes on is left alone by the next, while it is written and while it is
// copied.
func TestSweepResealLeavesTheLiving(t *testing.T) {
	me, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	create := func() *archive.Writer {
		t.Helper()
		w, err := archive.Create(work, archive.Config{Signer: me.Signer()})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	start := func(w *archive.Writer) {
		t.Helper()
		if _, err := w.StartEpoch(me.Recipients()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	killed := create() // what it left
	start(killed)
	w := create()
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
	if _, err := os.Stat(filepath.Join(work, killed.ID())); err != nil {
		t.Fatal(err)
	}
	sweep(w.ID())
	start(w)
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
