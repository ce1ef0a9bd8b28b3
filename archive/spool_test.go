package archive_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// media returns the segments and indexes in a recording's spool folder.
func media(t testing.TB, spool, id string) (names []string) {
	t.Helper()
	for name := range files(t, filepath.Join(spool, id)) {
		if strings.HasPrefix(name, "segments/") || strings.HasPrefix(name, "index/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// releasing records with a copier that lets go of what is stored, and crashes
// with one segment open and one not copied.
func releasing(t *testing.T, spool string, s signer, reader *age.HybridIdentity) (id string, dst *storetest.Mem) {
	t.Helper()
	dst = new(storetest.Mem)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	c := archive.NewCopier(dst, openDir(t, spool), w.ID())
	c.OnHead = func(stored []archive.Entry) {
		for _, e := range stored {
			if _, ok := dst.Object(w.ID() + "/" + e.Name); !ok {
				t.Errorf("%s is let go of, and not stored", e.Name)
			}
		}
		if _, ok := dst.Object(w.ID() + "/head"); !ok {
			t.Error("objects are let go of before there is a head")
		}
		if err := archive.ReleaseSpooled(spool, w.ID(), stored); err != nil {
			t.Error(err)
		}
	}
	for i := range 6 {
		commit(t, begin(t, w, archive.Segment, content(i, 70_000)))
		if i == 3 {
			commit(t, begin(t, w, archive.Index, nil))
			startEpoch(t, w, reader.Recipient())
		}
		if i == 5 {
			break
		}
		if err := c.Copy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := media(t, spool, w.ID()); len(left) > 0 {
			t.Fatalf("after segment %d the spool still has %v", i, left)
		}
	}
	begin(t, w, archive.Segment, content(6, 200_000))
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	return w.ID(), dst
}

// A recording whose objects were released while it went on can be ended after a
// crash, and its copy finished; but not in another store.
func TestRelease(t *testing.T) {
	spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
	id, dst := releasing(t, spool, s, reader)
	if all := recoverAll(t, spool, archive.Config{Signer: s}); len(all) != 1 || all[0].Head.Size != 10 || len(all[0].Torn) != 1 {
		t.Fatalf("recovered %+v", all)
	}
	if got, want := media(t, spool, id), []string{"segments/000005.age", "segments/000006-torn.age"}; !slices.Equal(got, want) {
		t.Errorf("the spool has %v, want %v", got, want)
	}
	src := openDir(t, spool)
	onBad := func(b *archive.BadObjectError) error { return archive.QuarantineSpooled(spool, b) }

	other := new(storetest.Mem)
	c := archive.NewCopier(other, src, id)
	c.OnBad = onBad
	if err := c.Copy(t.Context()); !errors.Is(err, archive.ErrElsewhere) {
		t.Errorf("copying to another store: %v, want ErrElsewhere", err)
	}
	if _, ok := other.Object(id + "/head"); ok {
		t.Error("another store has a head")
	}

	// One that the store lost again is not taken for one that is there.
	lost, _ := dst.Object(id + "/segments/000002.age")
	if err := dst.Delete(t.Context(), id+"/segments/000002.age"); err != nil {
		t.Fatal(err)
	}
	c = archive.NewCopier(dst, src, id)
	c.OnBad = onBad
	if err := c.Copy(t.Context()); !errors.Is(err, archive.ErrElsewhere) {
		t.Errorf("the store lost an object: %v, want ErrElsewhere", err)
	}
	dst.Set(id+"/segments/000002.age", lost)

	c = archive.NewCopier(dst, src, id)
	c.OnBad = onBad
	if err := c.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := verified(t, dst, id, s, reader)
	for _, i := range r.Segments() {
		got, err := r.ReadSegment(t.Context(), i.Number)
		var torn *archive.TornError
		if i.Number < 6 && (err != nil || string(got) != string(content(i.Number, 70_000))) || i.Number == 6 && !errors.As(err, &torn) {
			t.Errorf("segment %d: %d bytes, %v", i.Number, len(got), err)
		}
	}
	if len(r.Segments()) != 7 || r.Head().State != archive.StateCut {
		t.Errorf("%d segments, head %+v", len(r.Segments()), r.Head())
	}
}

// badSector is a folder on a disk that cannot read one file of it.
type badSector struct {
	archive.Store
	name string
}

func (s badSector) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if name == s.name {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EIO}
	}
	return s.Store.Get(ctx, name, off, n)
}

// What is bad in the spool goes aside, and the rest is stored with a head.
func TestQuarantine(t *testing.T) {
	const bad = "segments/000001.age"
	for _, test := range []struct {
		name    string
		damage  func(path string, good []byte) error
		dst     string // "": nothing; else what is under the name already
		problem string // what Verify says of the copy
		aside   bool   // the object is in quarantine
	}{
		{"flipped", func(p string, b []byte) error { return os.WriteFile(p, []byte(flip(string(b), 99)), 0o600) }, "", archive.ProblemMissing, true},
		{"cut", func(p string, b []byte) error { return os.WriteFile(p, b[:99], 0o600) }, "", archive.ProblemMissing, true},
		{"empty", func(p string, b []byte) error { return os.WriteFile(p, nil, 0o600) }, "", archive.ProblemMissing, true},
		{"not readable", func(p string, b []byte) error { return nil }, "", archive.ProblemMissing, true},
		{"not readable, and stored before", func(p string, b []byte) error { return nil }, "good", "", false},
		{"missing", func(p string, b []byte) error { return os.Remove(p) }, "", archive.ProblemMissing, false},
		{"taken", func(p string, b []byte) error { return nil }, "mine", archive.ProblemTruncated, false},
		{"flipped, and stored before", func(p string, b []byte) error { return os.WriteFile(p, []byte(flip(string(b), 99)), 0o600) }, "good", "", false},
		{"missing, and stored before", func(p string, b []byte) error { return os.Remove(p) }, "good", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			spool, s, reader, dst := t.TempDir(), newSigner(t, "recorder"), hybrid(t), new(storetest.Mem)
			w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
			for i := range 4 {
				commit(t, begin(t, w, archive.Segment, content(i, 1000)))
			}
			closeWriter(t, w)
			path := filepath.Join(spool, w.ID(), bad)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if test.dst == "good" {
				dst.Set(w.ID()+"/"+bad, good)
			} else if test.dst != "" {
				dst.Set(w.ID()+"/"+bad, []byte(test.dst))
			}
			if err := test.damage(path, good); err != nil {
				t.Fatal(err)
			}
			damaged, damagedErr := os.ReadFile(path)

			var told []string
			var src archive.Store = openDir(t, spool)
			if strings.HasPrefix(test.name, "not readable") {
				src = badSector{src, w.ID() + "/" + bad}
			}
			c := archive.NewCopier(dst, src, w.ID())
			c.OnBad = func(b *archive.BadObjectError) error {
				told = append(told, b.Name)
				return archive.QuarantineSpooled(spool, b)
			}
			c.OnHead = func(stored []archive.Entry) {
				for _, e := range stored {
					if e.Name == bad && test.problem != "" {
						t.Error("what was passed over counts as stored")
					}
				}
			}
			for range 2 {
				if err := c.Copy(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var want []string
			if test.problem != "" {
				want = []string{bad}
			}
			if !slices.Equal(told, want) || c.Pending() != 0 {
				t.Errorf("told of %q, want %q; %d pending", told, want, c.Pending())
			}
			var problems []string
			if _, err := archive.Verify(t.Context(), dst, w.ID(), archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) {
				problems = append(problems, p.Kind+" "+p.Object)
			}); err != nil {
				t.Fatal(err)
			}
			if want := test.problem + " " + bad; test.problem == "" && len(problems) > 0 || test.problem != "" && !slices.Equal(problems, []string{want}) {
				t.Errorf("Verify says %q, want %q", problems, want)
			}
			aside, err := os.ReadFile(filepath.Join(spool, "quarantine", w.ID(), bad))
			if test.aside != (err == nil) || test.aside && (damagedErr != nil || string(aside) != string(damaged)) {
				t.Errorf("in quarantine: %d bytes, %v", len(aside), err)
			}
			_, err = os.Stat(path)
			if want := !test.aside && damagedErr == nil; want != (err == nil) {
				t.Errorf("in the spool: %v, want it there: %v", err, want)
			}
			// Quarantine is no recording, and Recover leaves it alone.
			before := files(t, spool)
			if all, err := archive.Recover(t.Context(), spool, archive.Config{Signer: s}); err != nil || len(all) > 0 || len(files(t, spool)) != len(before) {
				t.Errorf("Recover: %v, %v", all, err)
			}
			if err := archive.RemoveSpooled(spool, w.ID()); err != nil {
				t.Error(err)
			}
			_, err = os.Stat(filepath.Join(spool, "quarantine", w.ID(), bad))
			if test.aside != (err == nil) {
				t.Errorf("quarantine after the recording was removed: %v", err)
			}
		})
	}
	for _, b := range []*archive.BadObjectError{{ID: "..", Name: bad}, {ID: archive.NewID(), Name: "../../etc"}, {ID: archive.NewID(), Name: "head"}} {
		if err := archive.QuarantineSpooled(t.TempDir(), b); err == nil {
			t.Errorf("%s/%s went to quarantine", b.ID, b.Name)
		}
	}
}

// Those who copy to two stores find the same object bad, and both go on without it.
func TestQuarantineTwice(t *testing.T) {
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: newSigner(t, "recorder")}, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("damaged")))
	closeWriter(t, w)
	bad := &archive.BadObjectError{ID: w.ID(), Name: "segments/000000.age", Err: errors.New("not its hash")}
	for i := range 2 {
		if err := archive.QuarantineSpooled(spool, bad); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	bad.Name = "segments/000001.age"
	if err := archive.QuarantineSpooled(spool, bad); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what never was: %v", err)
	}
}

// An error of OnBad holds the head back.
func TestCopyOnBadFails(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 2, reader.Recipient())
	src, dst := new(storetest.Mem), new(storetest.Mem)
	fill(t, src, id, objects)
	src.Set(id+"/segments/000000.age", nil)
	c := archive.NewCopier(dst, src, id)
	full := errors.New("no room for quarantine")
	c.OnBad = func(*archive.BadObjectError) error { return full }
	c.OnHead = func([]archive.Entry) { t.Error("a head was put") }
	if err := c.Copy(t.Context()); !errors.Is(err, full) || c.Pending() != 1 {
		t.Errorf("got %v, %d pending", err, c.Pending())
	}
	if _, ok := dst.Object(id + "/head"); ok {
		t.Error("a head was put")
	}
}

// A recording that is held is left alone by others, and one that is kept says so.
func TestHoldSpooled(t *testing.T) {
	spool, c := t.TempDir(), archive.Config{Signer: newSigner(t, "recorder")}
	w := create(t, spool, c, hybrid(t).Recipient())
	if _, err := archive.HoldSpooled(spool, w.ID()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("while it is written: %v", err)
	}
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	h, err := archive.HoldSpooled(spool, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	if all, err := archive.Recover(t.Context(), spool, c); err != nil || len(all) > 0 {
		t.Errorf("Recover took what is held: %v, %v", all, err)
	}
	if err := archive.RemoveSpooled(spool, w.ID()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("removing what is held: %v", err)
	}
	if kept, err := h.Kept(); kept || err != nil {
		t.Errorf("kept: %v, %v", kept, err)
	}
	if err := h.Keep(); err != nil {
		t.Fatal(err)
	}
	if kept, err := h.Kept(); !kept || err != nil {
		t.Errorf("kept: %v, %v", kept, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if all := recoverAll(t, spool, c); len(all) != 1 {
		t.Errorf("recovered %v", all)
	}
	if _, err := archive.HoldSpooled(spool, archive.NewID()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := archive.HoldSpooled(filepath.Dir(spool), filepath.Base(spool)); err == nil {
		t.Error("held what is no recording")
	}
}

// A crash while the folders of a recording are made leaves nothing behind.
func TestRecoverHalfMade(t *testing.T) {
	spool := t.TempDir()
	for i, folders := range [][]string{nil, {"epochs"}, {"epochs", "segments", "index"}} {
		id := archive.NewID()
		for _, f := range append(folders, ".") {
			if err := os.MkdirAll(filepath.Join(spool, id, f), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		all := recoverAll(t, spool, archive.Config{Signer: newSigner(t, "recorder")})
		if left, err := os.ReadDir(spool); err != nil || len(left) > 0 || len(all) != 1 {
			t.Errorf("%d: recovered %v, left %v, %v", i, all, left, err)
		}
	}
}

// What was recorded for one store is not finished for another, and not without
// its note either; a person may reassign it.
func TestSpooledStore(t *testing.T) {
	spool, sign := t.TempDir(), newSigner(t, "recorder")
	a, b := archive.Config{Signer: sign, Store: "/a"}, archive.Config{Signer: sign, Store: "s3://b/ at Amazon S3"}
	w := create(t, spool, a, hybrid(t).Recipient())
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	before := files(t, spool)
	for _, c := range []archive.Config{b, {Signer: sign}} {
		if all, err := archive.Recover(t.Context(), spool, c); err != nil || len(all) > 0 || !maps.Equal(files(t, spool), before) {
			t.Errorf("recovered for %q: %v, %v", c.Store, all, err)
		}
	}
	h, err := archive.HoldSpooled(spool, w.ID())
	if err != nil {
		t.Fatal(err)
	}
	if store, err := h.Store(); store != a.Store || err != nil {
		t.Errorf("Store: %q, %v", store, err)
	}
	for _, bad := range []string{"", "two\nlines", strings.Repeat("x", 5000)} {
		if err := h.Reassign(bad); err == nil {
			t.Errorf("reassigned to %.10q", bad)
		}
	}
	if err := errors.Join(h.Reassign(b.Store), h.Close()); err != nil {
		t.Fatal(err)
	}
	if all, err := archive.Recover(t.Context(), spool, a); err != nil || len(all) > 0 {
		t.Errorf("recovered for the old store: %v, %v", all, err)
	}
	if all := recoverAll(t, spool, b); len(all) != 1 || all[0].Head.Size == 0 {
		t.Errorf("recovered %v", all)
	}

	// A damaged note is nobody's, and said.
	w = create(t, spool, a, hybrid(t).Recipient())
	if err := errors.Join(w.Crash(), os.WriteFile(filepath.Join(spool, w.ID(), ".store"), []byte("/a"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if all, err := archive.Recover(t.Context(), spool, a); err == nil || len(all) > 0 {
		t.Errorf("recovered with a damaged note: %v, %v", all, err)
	}

	// A Create that was broken off before the note leaves nothing behind.
	id := archive.NewID()
	if err := os.Mkdir(filepath.Join(spool, id), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Recover(t.Context(), spool, b); err != nil && !strings.Contains(err.Error(), w.ID()) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(spool, id)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder stays: %v", err)
	}
}

// What End hands over no other takes until it is closed.
func TestEndKeepsTheLock(t *testing.T) {
	spool, c := t.TempDir(), archive.Config{Signer: newSigner(t, "recorder")}
	w := create(t, spool, c, hybrid(t).Recipient())
	h, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.HoldSpooled(spool, w.ID()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("after End: %v", err)
	}
	if again, err := w.End(); again != nil || err != nil {
		t.Errorf("a second End: %v, %v", again, err)
	}
	if err := errors.Join(w.Close(), h.Remove(), h.Close()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	empty, err := archive.Create(spool, c)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := empty.End(); h != nil || err != nil {
		t.Errorf("without an epoch: %v, %v", h, err)
	}
}
