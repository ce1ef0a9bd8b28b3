package bot

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A spoolTest is a spool with one recording that is over.
type spoolTest struct {
	*testing.T
	spool, id string
	reader    *age.HybridIdentity
	sweep     *Sweep
	warned    []string
}

func newSpoolTest(t *testing.T, segments int) *spoolTest {
	t.Helper()
	signer, verifier := storetest.SigningKeys(t, "recorder")
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	s := &spoolTest{T: t, spool: t.TempDir(), reader: reader}
	w, err := archive.Create(s.spool, archive.Config{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	s.id = w.ID()
	if _, err := w.StartEpoch([]age.Recipient{s.reader.Recipient()}); err != nil {
		t.Fatal(err)
	}
	for range segments {
		o, err := w.Create(archive.Segment)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := dir.Open(s.spool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	s.sweep = &Sweep{
		Spool: s.spool, Source: src, Signer: Signer{signer, note.VerifierList(verifier)}, Verifiers: note.VerifierList(verifier),
		Warn: func(text string) { s.warned = append(s.warned, text) },
	}
	return s
}

// left returns how many segments are in the spool.
func (s *spoolTest) left() int {
	s.Helper()
	names, err := filepath.Glob(filepath.Join(s.spool, s.id, "segments", "*.age"))
	if err != nil {
		s.Fatal(err)
	}
	return len(names)
}

// problems verifies what dst has.
func (s *spoolTest) problems(dst archive.Store) (objects []string) {
	s.Helper()
	o := archive.Options{Verifiers: s.sweep.Verifiers}
	if _, err := archive.Verify(s.Context(), dst, s.id, o, func(p archive.Problem) { objects = append(objects, p.Object) }); err != nil {
		s.Fatal(err)
	}
	return objects
}

// What is uploaded leaves the spool on the way, not only in the end; so when it
// is interrupted, less is left to do.
func TestSweepReleases(t *testing.T) {
	const segments = 150
	for _, keep := range []bool{false, true} {
		s := newSpoolTest(t, segments)
		s.sweep.Keep = keep
		dst := new(storetest.Mem)
		ctx, interrupt := context.WithCancel(t.Context())
		dst.OnPut = func(name string) (bool, error) {
			if strings.HasSuffix(name, "/segments/000140.age") {
				interrupt()
			}
			return true, nil
		}
		s.sweep.Stores = []Store{{dst, "dst"}}
		if err := errors.Join(s.sweep.Run(ctx)...); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		want := segments - 127 // beside an epoch that is under the second head
		if keep {
			want = segments
		}
		if got := s.left(); got != want {
			t.Errorf("keep %t: %d segments are left, want %d", keep, got, want)
		}
		if bad := s.problems(dst); len(bad) > 20 { // beyond the head
			t.Errorf("keep %t: %q", keep, bad)
		}
		dst.OnPut = nil
		if err := errors.Join(s.sweep.Run(t.Context())...); err != nil {
			t.Fatal(err)
		}
		if bad := s.problems(dst); len(bad) > 0 {
			t.Errorf("keep %t: in the end: %q", keep, bad)
		}
		if _, err := os.Stat(filepath.Join(s.spool, s.id)); keep != (err == nil) || !keep && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("keep %t: the local copy: %v", keep, err)
		}
	}
}

// unreadable is a spool on a disk that cannot read one file so many times.
type unreadable struct {
	archive.Store
	name  string
	times int
}

func (u *unreadable) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if name == u.name && u.times > 0 {
		u.times--
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EIO}
	}
	return u.Store.Get(ctx, name, off, n)
}

// A file that cannot be read now and then is read in the end; one that cannot be
// read at all goes to quarantine, and the rest to the store.
func TestSweepUnreadable(t *testing.T) {
	const bad = "segments/000001.age"
	for _, test := range []struct {
		times int
		aside bool
	}{{3, false}, {1 << 30, true}} {
		s := newSpoolTest(t, 4)
		synctest.Test(t, func(t *testing.T) { // for the waits
			s.T = t
			dst := new(storetest.Mem)
			s.sweep.Stores = []Store{{dst, "dst"}}
			s.sweep.Source = &unreadable{s.sweep.Source, s.id + "/" + bad, test.times}
			failed := s.sweep.Run(t.Context())
			if test.aside != (len(failed) == 1 && strings.Contains(failed[0].Error(), bad)) || !test.aside && len(failed) > 0 {
				t.Errorf("%d times: %v", test.times, failed)
			}
			var want []string
			if test.aside {
				want = []string{bad}
			}
			if got := s.problems(dst); !slices.Equal(got, want) || len(s.warned) != len(want) {
				t.Errorf("%d times: the store lacks %q, want %q; warned %q", test.times, got, want, s.warned)
			}
			if _, err := os.Stat(filepath.Join(s.spool, "quarantine", s.id, bad)); test.aside != (err == nil) {
				t.Errorf("%d times: in quarantine: %v", test.times, err)
			}
			if _, err := os.Stat(filepath.Join(s.spool, s.id)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d times: the local copy: %v", test.times, err)
			}
		})
	}
}

// A sweep beside a record that is bringing the rest to the store leaves it alone.
func TestSweepBesideFinish(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s := newSpoolTest(t, 0) // for its sweep; the recording itself is in the way of nothing
		if err := archive.RemoveSpooled(s.spool, s.id); err != nil {
			t.Fatal(err)
		}
		w, err := archive.Create(s.spool, archive.Config{Signer: s.sweep.Signer.Signer})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.StartEpoch([]age.Recipient{s.reader.Recipient()}); err != nil {
			t.Fatal(err)
		}
		dst := new(storetest.Mem)
		s.sweep.Stores = []Store{{dst, "dst"}}
		swept := 0
		slow := &storetest.Mem{OnPut: func(string) (bool, error) {
			swept++
			if err := errors.Join(s.sweep.Run(t.Context())...); err != nil {
				t.Error(err)
			}
			return true, nil
		}}
		b := &Bot{c: Config{KeepLocal: keep}, log: slog.New(slog.DiscardHandler)}
		from := copySource{spool: s.spool, id: w.ID(), store: s.sweep.Source, key: s.sweep.Signer, keep: keep}
		u := newUploads([]Store{{slow, "slow"}}, from, newGrown(1), newBacklog(1), b.log)
		var over ending
		if over.held, over.err = w.End(); over.err != nil {
			t.Fatal(over.err)
		}
		if err := b.finish(t.Context(), &recording{told: &milestones{}}, u, over); err != nil {
			t.Errorf("keep %t: %v", keep, err)
		}
		if _, taken := dst.Object(w.ID() + "/head"); swept == 0 || taken {
			t.Errorf("keep %t: one of %d sweeps took it: %t", keep, swept, taken)
		}
		if _, err := os.Stat(filepath.Join(s.spool, w.ID())); keep == errors.Is(err, fs.ErrNotExist) {
			t.Errorf("keep %t: %v", keep, err)
		}
	}
}

// What someone put under the names of a recording before its recorder came to it
// is overwritten, and told; where that is refused, the spool keeps all of it.
func TestSweepTaken(t *testing.T) {
	for _, refused := range []bool{false, true} {
		s := newSpoolTest(t, 4)
		dst := new(storetest.Mem)
		taken := s.id + "/segments/000001.age"
		dst.Set(s.id+"/head", []byte("garbage"))
		dst.Set(taken, []byte("something else"))
		dst.OnPut = func(name string) (bool, error) {
			if refused && name == taken {
				return false, archive.ErrConflict
			}
			return true, nil
		}
		s.sweep.Stores = []Store{{dst, "dst"}}
		failed := s.sweep.Run(t.Context())
		if want := map[bool]int{false: 0, true: 1}[refused]; len(failed) != want || len(s.warned) != 2 {
			t.Errorf("refused %t: %v, warned %q", refused, failed, s.warned)
		}
		var bad []string
		left := 0
		if refused {
			bad, left = []string{"segments/000001.age"}, 4
		}
		if got := s.problems(dst); !slices.Equal(got, bad) || s.left() != left {
			t.Errorf("refused %t: problems with %q, %d segments left", refused, got, s.left())
		}
	}
}

// A link in the place of a recording's folder, and a file, are named and left alone, and so
// is what the link leads to. The rest goes on, and nothing has failed.
func TestSweepNamesOthers(t *testing.T) {
	s := newSpoolTest(t, 2)
	outside, link, file := t.TempDir(), strings.Repeat("0", 26), "1"+strings.Repeat("0", 25)
	if err := errors.Join(os.Symlink(outside, filepath.Join(s.spool, link)), os.WriteFile(filepath.Join(s.spool, file), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	dst := new(storetest.Mem)
	s.sweep.Stores = []Store{{dst, "dst"}}
	if failed := s.sweep.Run(t.Context()); len(failed) > 0 || len(s.problems(dst)) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if len(s.warned) != 2 || !strings.Contains(s.warned[0], link+" is a symbolic link") || !strings.Contains(s.warned[1], file+" is a file") {
		t.Errorf("warned %q", s.warned)
	}
	if made, err := os.ReadDir(outside); err != nil || len(made) > 0 {
		t.Errorf("outside of the spool is %v, %v", made, err)
	}
}
