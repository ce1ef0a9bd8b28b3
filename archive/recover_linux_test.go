package archive_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// What the disk cannot read does not keep Recover from the rest. The memory of
// this process is the file: reading it at 0 gives EIO.
func TestRecoverUnreadable(t *testing.T) {
	const bad = "/proc/self/mem"
	for _, name := range []string{"segments/000001.age", "segments/000002.age.part", "index/000000.age", "epochs/000002.age"} {
		t.Run(name, func(t *testing.T) {
			spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
			w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
			commit(t, begin(t, w, archive.Segment, content(0, 1000)))
			begin(t, w, archive.Segment, content(1, 200_000))
			if err := w.Crash(); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(spool, w.ID())
			if name == "segments/000001.age" {
				if err := os.Remove(filepath.Join(folder, name+".part")); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(bad, filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
			all, err := archive.Recover(t.Context(), spool, archive.Config{Signer: s})
			if err != nil {
				t.Fatal(err)
			}
			if again, err := archive.Recover(t.Context(), spool, archive.Config{Signer: s}); err != nil || len(again) > 0 {
				t.Errorf("a second Recover: %v, %v", again, err)
			}
			if len(all) != 1 || all[0].Head.State != archive.StateCut || !slices.Equal(all[0].Aside, []string{name}) {
				t.Fatalf("recovered %+v", all)
			}
			if to, err := os.Readlink(filepath.Join(spool, "quarantine", w.ID(), name)); err != nil || to != bad {
				t.Errorf("in quarantine: %q, %v", to, err)
			}
			r := verified(t, openDir(t, spool), w.ID(), s, reader)
			if got, err := r.ReadSegment(t.Context(), 0); err != nil || !bytes.Equal(got, content(0, 1000)) {
				t.Errorf("segment 0: %d bytes, %v", len(got), err)
			}
		})
	}
}
