package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// files returns all files below path with their content, by name.
func files(t testing.TB, path string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	root := os.DirFS(path)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantFile(t testing.TB, path string, want bool) {
	t.Helper()
	if _, err := os.Stat(path); (err == nil) != want {
		t.Errorf("%s: %v, want it to be there: %v", filepath.Base(path), err, want)
	}
}

func TestWriterOrder(t *testing.T) {
	spool, reader, s := t.TempDir(), hybrid(t), newSigner(t, "recorder")
	w, err := archive.Create(spool, archive.Config{Signer: s})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("Create before any epoch: %v", err)
	}
	startEpoch(t, w, reader.Recipient())
	if _, err := w.Create(archive.Epoch); err == nil {
		t.Error("Create made an epoch")
	}

	first, second := begin(t, w, archive.Segment, []byte("0")), begin(t, w, archive.Segment, []byte("1"))
	index := begin(t, w, archive.Index, []byte("i"))
	commit(t, index)
	if err := second.Commit(); err == nil {
		t.Error("segment 1 was committed before segment 0")
	}
	if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err == nil {
		t.Error("an epoch was started while segments of the last were open")
	}
	if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("Create after a StartEpoch that failed: %v", err)
	}
	if err := w.Close(); err == nil {
		t.Error("Close while objects were open")
	}
	commit(t, first)
	if _, err := second.Write([]byte("1")); err != nil {
		t.Errorf("Write after a Commit out of order: %v", err)
	}
	commit(t, second)
	for name, err := range map[string]error{"Commit": second.Commit(), "Write": func() error { _, err := second.Write(nil); return err }()} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Commit: %v", name, err)
		}
	}
	if err := second.Abort(); err != nil {
		t.Errorf("Abort after Commit: %v", err)
	}

	startEpoch(t, w, reader.Recipient())
	aborted := begin(t, w, archive.Segment, []byte("2"))
	part := filepath.Join(spool, w.ID(), aborted.Name()+".part")
	wantFile(t, part, true)
	if fi, err := os.Stat(part); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode of a part: %v, %v", fi.Mode(), err)
	}
	if err := errors.Join(aborted.Abort(), aborted.Abort()); err != nil {
		t.Error(err)
	}
	wantFile(t, part, false)
	commit(t, begin(t, w, archive.Segment, []byte("3")))
	closeWriter(t, w)
	for name, err := range map[string]error{
		"Create":     func() error { _, err := w.Create(archive.Segment); return err }(),
		"StartEpoch": func() error { _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); return err }(),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}

	r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range r.Entries() {
		names = append(names, e.Name)
	}
	want := []string{"epochs/000001.age", "index/000000.age", "segments/000000.age", "segments/000001.age", "epochs/000002.age", "segments/000003.age"}
	if !slices.Equal(names, want) {
		t.Errorf("log: %q, want %q", names, want)
	}
	var numbers []int
	for _, i := range r.Segments() {
		numbers = append(numbers, i.Number, i.Epoch)
		if got, err := r.ReadSegment(t.Context(), i.Number); err != nil || string(got[:1]) != fmt.Sprint(i.Number) {
			t.Errorf("segment %d: %q, %v", i.Number, got, err)
		}
	}
	if !slices.Equal(numbers, []int{0, 1, 1, 1, 3, 2}) {
		t.Errorf("segments and their epochs: %v", numbers)
	}
	if _, err := r.ReadSegment(t.Context(), 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("segment 2: %v", err)
	}
}

func TestCloseEmpty(t *testing.T) {
	spool := t.TempDir()
	called := false
	w, err := archive.Create(spool, archive.Config{Signer: newSigner(t, "recorder"), Changed: func() { called = true }})
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(spool, w.ID()), true)
	closeWriter(t, w)
	if left, err := os.ReadDir(spool); err != nil || len(left) != 0 || called {
		t.Errorf("left %v, %v; Changed called: %v", left, err, called)
	}
	if _, err := archive.Create(spool, archive.Config{}); err == nil {
		t.Error("a recording without signer")
	}
}

// What is made of a recording that was cut ends as that did, for good.
func TestCloseCut(t *testing.T) {
	spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("content")))
	for range 2 {
		if err := w.CloseCut(); err != nil {
			t.Fatal(err)
		}
	}
	if all := recoverAll(t, spool, archive.Config{Signer: s}); len(all) > 0 {
		t.Errorf("recovered %+v", all)
	}
	if h := verified(t, openDir(t, spool), w.ID(), s, reader).Head(); h.State != archive.StateCut || h.Size != 2 {
		t.Errorf("head %+v", h)
	}
}

func TestObjectTooLarge(t *testing.T) {
	t.Parallel()
	spool, reader, s := t.TempDir(), hybrid(t), newSigner(t, "recorder")
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	o, err := w.Create(archive.Segment)
	if err != nil {
		t.Fatal(err)
	}
	mib := make([]byte, 1<<20)
	written := 0
	for i := 0; i < 100 && err == nil; i++ {
		var n int
		n, err = o.Write(mib)
		written += n
	}
	if !errors.Is(err, archive.ErrTooLarge) || written < archive.MaxObject-1<<20 {
		t.Errorf("after %d bytes: %v", written, err)
	}
	rest := archive.MaxObject - 32<<10 - written
	if _, err := o.Write(mib[:rest]); err != nil {
		t.Error(err)
	}
	commit(t, o) // what did fit is whole
	if o.Size() > archive.MaxObject {
		t.Errorf("the largest object has %d bytes", o.Size())
	}
	closeWriter(t, w)
	r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.ReadSegment(t.Context(), 0); err != nil || len(got) != written+rest {
		t.Errorf("read %d bytes of %d: %v", len(got), written+rest, err)
	}
}

// Several goroutines use one Writer.
func TestWriterConcurrent(t *testing.T) {
	t.Parallel()
	spool, s := t.TempDir(), newSigner(t, "recorder")
	reader := hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	var wg sync.WaitGroup
	for _, k := range []archive.Kind{archive.Segment, archive.Index} {
		wg.Go(func() {
			for i := range 20 {
				o, err := w.Create(k)
				if err != nil {
					t.Error(err)
					return
				}
				var sizes sync.WaitGroup
				sizes.Go(func() { o.Size() })
				if _, err := fmt.Fprint(o, k, i); err != nil {
					t.Error(err)
				}
				if err := o.Commit(); err != nil {
					t.Error(err)
				}
				sizes.Wait()
			}
		})
	}
	wg.Wait()
	closeWriter(t, w)
	r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		got, err := r.ReadSegment(t.Context(), i)
		if want := fmt.Sprint(archive.Segment, i); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		got, err = r.ReadIndex(t.Context(), i)
		if want := fmt.Sprint(archive.Index, i); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// A log of more than one file.
func TestLogFiles(t *testing.T) {
	t.Parallel()
	spool, s := t.TempDir(), newSigner(t, "recorder")
	reader := classic(t)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	dst := new(storetest.Mem)
	c := archive.NewCopier(dst, openDir(t, spool), w.ID())
	for i := range 1030 {
		commit(t, begin(t, w, archive.Index, fmt.Append(nil, i)))
		if i == 1000 || i == 1022 || i == 1023 {
			if err := c.Copy(t.Context()); err != nil {
				t.Fatal(err)
			}
			verified(t, dst, w.ID(), s, reader)
		}
	}
	for _, state := range []archive.State{archive.StateOpen, archive.StateClosed} {
		r, err := archive.Open(t.Context(), openDir(t, spool), w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadIndex(t.Context(), 1029); r.Head().State != state || len(r.Entries()) != 1031 || err != nil || string(got) != "1029" {
			t.Errorf("%d entries, state %s; index 1029: %q, %v", len(r.Entries()), r.Head().State, got, err)
		}
		closeWriter(t, w)
	}
	if err := c.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, dst, w.ID(), s, reader)
	for name, lines := range map[string]int{"log/0000": 1024, "log/0001": 7} {
		if text := files(t, filepath.Join(spool, w.ID()))[name]; strings.Count(text, "\n") != lines {
			t.Errorf("%s has %d lines, want %d", name, strings.Count(text, "\n"), lines)
		}
	}
}

// Nothing of what is recorded, and no secret, is ever on the disk.
func TestNoPlaintext(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(tmp, "tmp"))
	if err := os.Mkdir(os.TempDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(tmp, "spool")
	canary := "PLANTED-PLAINTEXT-CANARY"
	check := func(when string) {
		t.Helper()
		all := files(t, tmp)
		if len(all) == 0 {
			t.Fatal("found no files to search")
		}
		for name, content := range all {
			for _, secret := range []string{canary, "AGE-SECRET-KEY", "PRIVATE+KEY"} {
				if strings.Contains(content, secret) {
					t.Errorf("%s: %s has %q in it", when, name, secret)
				}
			}
		}
	}
	steps := 0
	c := archive.Config{Signer: newSigner(t, "recorder")}
	step := func(step string) {
		steps++
		check("before " + step)
	}
	reader := hybrid(t)
	w := createStepped(t, spool, c, step, reader.Recipient(), classic(t).Recipient())
	o := begin(t, w, archive.Segment, bytes.Repeat([]byte(canary), 10_000))
	if o.Size() < 190_000 {
		t.Errorf("%d bytes are sealed while writing", o.Size())
	}
	check("while writing")
	commit(t, o)
	commit(t, begin(t, w, archive.Index, []byte(canary)))
	check("after Commit")
	dead := begin(t, w, archive.Segment, bytes.Repeat([]byte(canary), 10_000))
	check("before the crash")
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Recover(t.Context(), spool, c); err != nil {
		t.Fatal(err)
	}
	check("after Recover")
	wantFile(t, filepath.Join(spool, w.ID(), strings.Replace(dead.Name(), ".age", "-torn.age", 1)), true)
	if steps < 15 {
		t.Errorf("looked only %d times", steps)
	}
}
