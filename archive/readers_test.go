package archive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// TestReadersAtMost counts the readers of epochs without any key, the padding and
// both files of an epoch included.
func TestReadersAtMost(t *testing.T) {
	spool := t.TempDir()
	s := newSigner(t, "recorder")
	h, c := hybrid(t), classic(t)
	nine := make([]age.Recipient, 9)
	for i := range nine {
		nine[i] = h.Recipient()
	}
	w := create(t, spool, archive.Config{Signer: s}, h.Recipient())
	startEpoch(t, w, nine...)
	startEpoch(t, w, c.Recipient())
	startEpoch(t, w, h.Recipient(), c.Recipient())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{8, 16, 8, 16} {
		if got, err := rec.ReadersAtMost(t.Context(), i+1); got != want || err != nil {
			t.Errorf("epoch %d: %d, %v, want %d", i+1, got, err, want)
		}
	}
	if _, err := rec.ReadersAtMost(t.Context(), 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an epoch that is not there: %v", err)
	}
	file := filepath.Join(spool, w.ID(), "epochs", "000002.age")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rec.ReadersAtMost(t.Context(), 2); !errors.As(err, new(*archive.CorruptError)) {
		t.Errorf("a changed file: %v", err)
	}
}
