package archive_test

import (
	"bufio"
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// content returns the n bytes that segment number has in these tests, with a
// marker that must never reach a disk.
func content(number, n int) []byte {
	const marker = "PLANTED-PLAINTEXT-CANARY"
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(number)})
	r.Read(b)
	for i := 0; i+len(marker) <= n; i += 4096 {
		copy(b[i:], marker)
	}
	return b
}

// recoverAll recovers a spool, and then checks that doing it again changes
// nothing.
func recoverAll(t testing.TB, spool string, c archive.Config) []archive.Recovered {
	t.Helper()
	all, err := archive.Recover(context.Background(), spool, c)
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, spool)
	again, err := archive.Recover(context.Background(), spool, c)
	if err != nil || len(again) != 0 {
		t.Errorf("Recover did more the second time: %v, %v", again, err)
	}
	if !maps.Equal(before, files(t, spool)) {
		t.Error("Recover changed files the second time")
	}
	for name, data := range before {
		if strings.Contains(data, "PLANTED-PLAINTEXT") || strings.Contains(data, "AGE-SECRET-KEY") {
			t.Errorf("%s has plaintext in it", name)
		}
		if strings.HasSuffix(name, ".part") || strings.Contains(name, ".tmp-") {
			t.Errorf("%s was left over", name)
		}
	}
	return all
}

// verified opens a recording that must be without fault.
func verified(t testing.TB, s archive.Store, id string, sign signer, reader age.Identity) *archive.Recording {
	t.Helper()
	o := archive.Options{Verifiers: sign.verifiers, Identities: []age.Identity{reader}}
	report, err := archive.Verify(context.Background(), s, id, o, func(p archive.Problem) { t.Errorf("problem: %v", p) })
	if err != nil || !report.OK() {
		t.Fatalf("Verify: %+v, %v", report, err)
	}
	r, err := archive.Open(context.Background(), s, id, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Parts that end anywhere.
func TestTorn(t *testing.T) {
	const (
		header = 1627 + 16 // and nonce
		chunk  = 64<<10 + 16
		plain  = 64 << 10
	)
	data := content(0, 300_000)
	for _, test := range []struct {
		size int64 // of the part
		want int   // bytes that can be read; -1: no segment is left
		kept int64 // size of the object
	}{
		{0, -1, 0}, {1, -1, 0}, {1000, -1, 0}, {header - 17, -1, 0}, {header - 1, -1, 0}, {header, -1, 0}, {header + 16, -1, 0},
		{header + 17, 0, header + 17}, {header + 40_000, 0, header + 40_000},
		{header + chunk, plain, header + chunk},
		{header + chunk + 1, plain, header + chunk},
		{header + chunk + 16, plain, header + chunk},
		{header + chunk + 17, plain, header + chunk + 17},
		{header + 2*chunk, 2 * plain, header + 2*chunk},
		{header + 3*chunk - 1, 2 * plain, header + 3*chunk - 1},
		{header + 4*chunk, 4 * plain, header + 4*chunk},
	} {
		t.Run(fmt.Sprint(test.size), func(t *testing.T) {
			t.Parallel()
			spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
			c := archive.Config{Signer: s}
			w := create(t, spool, c, reader.Recipient())
			commit(t, begin(t, w, archive.Segment, []byte("whole")))
			o := begin(t, w, archive.Segment, data)
			index := begin(t, w, archive.Index, data)
			if o.Size() != header+4*chunk {
				t.Fatalf("the part has %d bytes, want %d", o.Size(), header+4*chunk)
			}
			if err := w.Crash(); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(spool, w.ID())
			if err := os.Truncate(filepath.Join(folder, o.Name()+".part"), test.size); err != nil {
				t.Fatal(err)
			}
			all := recoverAll(t, spool, c)
			if len(all) != 1 || all[0].ID != w.ID() || all[0].Head.State != archive.StateCut {
				t.Fatalf("recovered %+v", all)
			}
			wantFile(t, filepath.Join(folder, o.Name()+".part"), false)
			wantFile(t, filepath.Join(folder, index.Name()+".part"), false)
			r := verified(t, openDir(t, spool), w.ID(), s, reader)
			if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "whole" {
				t.Errorf("segment 0: %q, %v", got, err)
			}
			torn := filepath.Join(folder, "segments/000001-torn.age")
			wantFile(t, torn, test.want >= 0)
			if test.want < 0 {
				if len(all[0].Torn) != 0 || len(r.Segments()) != 1 {
					t.Errorf("recovered %+v, segments %v", all, r.Segments())
				}
				return
			}
			if fi, err := os.Stat(torn); err != nil || fi.Size() != test.kept {
				t.Errorf("kept %d bytes, %v, want %d", fi.Size(), err, test.kept)
			}
			if i := r.Segments()[1]; !i.Torn || i.Number != 1 || i.Epoch != 1 || all[0].Torn[0] != i.Name {
				t.Errorf("recovered %+v, segment %+v", all, i)
			}
			got, err := r.ReadSegment(t.Context(), 1)
			var te *archive.TornError
			if !errors.As(err, &te) || te.Size != len(got) || len(got) != test.want || !bytes.Equal(got, data[:len(got)]) {
				t.Errorf("segment 1: %d bytes, %v, want %d", len(got), err, test.want)
			}
		})
	}
}

// A crash between the two calls that give an object its name leaves both names.
func TestTwoNames(t *testing.T) {
	for _, step := range []string{"log", "head", "done"} { // before which the crash comes
		spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
		w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
		commit(t, begin(t, w, archive.Segment, content(0, 70_000)))
		closeWriter(t, w)
		folder := filepath.Join(spool, w.ID())
		name := filepath.Join(folder, "segments/000000.age")
		if err := os.Link(name, name+".part"); err != nil {
			t.Fatal(err)
		}
		// Undo what came after the step.
		log, head, err := archive.Forge(w.ID(), logged(files(t, folder))[:1], archive.StateOpen, s)
		if err != nil {
			t.Fatal(err)
		}
		if step == "log" {
			if err := os.WriteFile(filepath.Join(folder, "log/0000"), log, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if step == "done" {
			if _, head, err = archive.Forge(w.ID(), logged(files(t, folder)), archive.StateOpen, s); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "head"), head, 0o600); err != nil {
			t.Fatal(err)
		}
		if all := recoverAll(t, spool, archive.Config{Signer: s}); len(all) != 1 || all[0].Head.Size != 2 || len(all[0].Torn) != 0 {
			t.Errorf("before %s: recovered %+v", step, all)
		}
		r := verified(t, openDir(t, spool), w.ID(), s, reader)
		if got, err := r.ReadSegment(t.Context(), 0); err != nil || !bytes.Equal(got, content(0, 70_000)) {
			t.Errorf("before %s: %d bytes, %v", step, len(got), err)
		}
	}
}

// What is left of an object that was given up is not brought back.
func TestGivenUp(t *testing.T) {
	spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	aborted := begin(t, w, archive.Segment, nil)
	if err := aborted.Abort(); err != nil {
		t.Fatal(err)
	}
	next := begin(t, w, archive.Segment, content(1, 70_000))
	commit(t, next)
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(spool, w.ID())
	if err := os.Link(filepath.Join(folder, next.Name()), filepath.Join(folder, aborted.Name()+".part")); err != nil {
		t.Fatal(err)
	}
	if all := recoverAll(t, spool, archive.Config{Signer: s}); len(all) != 1 || all[0].Head.Size != 2 || len(all[0].Torn) != 0 {
		t.Errorf("recovered %+v", all)
	}
	verified(t, openDir(t, spool), w.ID(), s, reader)
}

// Live recordings, finished ones and strangers are left alone, and one that
// cannot be recovered does not stop the others.
func TestRecoverOthers(t *testing.T) {
	spool, reader := t.TempDir(), hybrid(t)
	c := archive.Config{Signer: newSigner(t, "recorder")}
	if all, err := archive.Recover(t.Context(), filepath.Join(spool, "missing"), c); err != nil || all != nil {
		t.Errorf("a missing spool: %v, %v", all, err)
	}
	dead := func() *archive.Writer {
		w := create(t, spool, c, reader.Recipient())
		commit(t, begin(t, w, archive.Segment, []byte("x")))
		if err := w.Crash(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	live := create(t, spool, c, reader.Recipient())
	open := begin(t, live, archive.Segment, []byte("live"))
	closed := create(t, spool, c, reader.Recipient())
	closeWriter(t, closed)
	empty, err := archive.Create(spool, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Crash(); err != nil {
		t.Fatal(err)
	}
	bad, good := dead(), dead()
	if err := os.WriteFile(filepath.Join(spool, bad.ID(), "log/0000"), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notes/mine", ".removed-" + archive.NewID() + "/segments/000000.age", closed.ID() + "x/head"} {
		if err := os.MkdirAll(filepath.Join(spool, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(spool, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := files(t, spool)

	changed := 0
	c.Changed = func() { changed++ }
	all, err := archive.Recover(t.Context(), spool, c)
	if err == nil || !strings.Contains(err.Error(), bad.ID()) {
		t.Errorf("no error about the bad one: %v", err)
	}
	got := make(map[string]archive.State)
	for _, r := range all {
		got[r.ID] = r.Head.State
	}
	want := map[string]archive.State{good.ID(): archive.StateCut, empty.ID(): ""}
	if !maps.Equal(got, want) || changed != 1 {
		t.Errorf("recovered %v, want %v; Changed was called %d times", got, want, changed)
	}
	after := files(t, spool)
	maps.DeleteFunc(before, func(name, _ string) bool {
		return strings.HasPrefix(name, empty.ID()) || name == good.ID()+"/head" || strings.HasPrefix(name, ".removed-")
	})
	delete(after, good.ID()+"/head")
	if !maps.Equal(before, after) {
		t.Error("other files were changed")
	}
	commit(t, open)
	closeWriter(t, live)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := archive.Recover(ctx, spool, c); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Nobody signs the end of what another recorder began, whose earlier keys may have.
func TestRecoverOfAnotherRecorder(t *testing.T) {
	spool := t.TempDir()
	ada, bob, ada2 := newSigner(t, "ada"), newSigner(t, "bob"), newSigner(t, "ada2")
	w, err := archive.Create(spool, archive.Config{Signer: ada})
	if err != nil {
		t.Fatal(err)
	}
	startEpoch(t, w, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, content(0, 100)))
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	before := files(t, spool)
	for _, c := range []archive.Config{{Signer: bob}, {Signer: bob, Own: ada2.verifiers}} {
		var other *archive.OtherRecorderError
		if got, err := archive.Recover(t.Context(), spool, c); !errors.As(err, &other) || len(got) > 0 || other.ID != w.ID() || len(other.By) != 1 || other.By[0] != "ada" {
			t.Errorf("%v, %v", got, err)
		}
		if !maps.Equal(before, files(t, spool)) {
			t.Error("something was changed")
		}
	}
	if got := recoverAll(t, spool, archive.Config{Signer: ada2, Own: ada.verifiers}); len(got) != 1 || got[0].Head.State != archive.StateCut {
		t.Errorf("%+v", got)
	}
}

func TestRemoveSpooled(t *testing.T) {
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: newSigner(t, "recorder")}, hybrid(t).Recipient())
	if err := archive.RemoveSpooled(spool, w.ID()); !errors.Is(err, archive.ErrBusy) {
		t.Errorf("while it is written: %v", err)
	}
	commit(t, begin(t, w, archive.Segment, nil))
	closeWriter(t, w)
	for range 2 {
		if err := archive.RemoveSpooled(spool, w.ID()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(spool); err != nil || len(left) != 0 {
			t.Errorf("left %v, %v", left, err)
		}
	}
	if err := archive.RemoveSpooled(filepath.Dir(spool), filepath.Base(spool)); err == nil {
		t.Error("removed what is no recording")
	}
}

// These tell a child process of TestKill where to write, and for whom.
const (
	childSpool  = "SEALTAPE_TEST_SPOOL"
	childReader = "SEALTAPE_TEST_READER"
)

// A process that writes is killed at some moment, many times.
func TestKill(t *testing.T) {
	if spool := os.Getenv(childSpool); spool != "" {
		killedChild(t, spool)
		return
	}
	sample.Live(t)
	t.Parallel()
	s := newSigner(t, "recorder")
	reader := hybrid(t)
	torn := 0
	for round := range sample.Cases(t, 12, 4) {
		spool := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), childSpool+"="+spool, childReader+"="+reader.Recipient().String())
		stderr := new(bytes.Buffer)
		child.Stderr = stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// The child goes on while its line is read, so the kill comes at any
		// moment of a write or commit.
		lines := bufio.NewScanner(out)
		committed := -1
		if !lines.Scan() {
			t.Fatalf("the child says nothing: %s", stderr)
		}
		earlier, err := note.NewVerifier(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		for wrote := 0; wrote < 3+round*7 && lines.Scan(); wrote++ {
			if _, err := fmt.Sscanf(lines.Text(), "committed %d", &committed); err != nil && !strings.HasPrefix(lines.Text(), "wrote") {
				t.Fatalf("the child says %q", lines.Text())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died
			fmt.Sscanf(lines.Text(), "committed %d", &committed)
		}
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %v, %s", err, stderr)
		}

		all := recoverAll(t, spool, archive.Config{Signer: s, Own: note.VerifierList(earlier)})
		if len(all) != 1 {
			t.Fatalf("recovered %v", all)
		}
		if all[0].Head.Size == 0 {
			if committed >= 0 {
				t.Errorf("round %d: everything is gone", round)
			}
			continue
		}
		r := verified(t, openDir(t, spool), all[0].ID, s, reader)
		segments := r.Segments()
		for _, i := range segments {
			got, err := r.ReadSegment(t.Context(), i.Number)
			whole := content(i.Number, childSegment)
			var te *archive.TornError
			switch {
			case errors.As(err, &te) && i.Number > committed && i.Number == segments[len(segments)-1].Number:
				torn++
				if !bytes.HasPrefix(whole, got) {
					t.Errorf("round %d: the torn segment %d has other bytes", round, i.Number)
				}
			case err != nil || !bytes.Equal(got, whole):
				t.Errorf("round %d: segment %d: %d bytes, %v", round, i.Number, len(got), err)
			}
		}
		if len(segments) < committed+1 {
			t.Errorf("round %d: %d segments were committed, %d are there", round, committed+1, len(segments))
		}
	}
	t.Logf("%d torn segments", torn)
}

const childSegment = 500_000

// killedChild prints its key, and records until it is killed.
func killedChild(t *testing.T, spool string) {
	reader, err := age.ParseHybridRecipient(os.Getenv(childReader))
	if err != nil {
		t.Fatal(err)
	}
	skey, vkey, err := note.GenerateKey(crand.Reader, "recorder")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(vkey) // by which its parent knows the recording for its own
	w := create(t, spool, archive.Config{Signer: signer}, reader)
	for {
		o, err := w.Create(archive.Segment)
		if err != nil {
			t.Fatal(err)
		}
		data := content(o.Number(), childSegment)
		for i := 0; i < len(data); i += 100_000 {
			if _, err := o.Write(data[i : i+100_000]); err != nil {
				t.Fatal(err)
			}
			fmt.Println("wrote", o.Number())
		}
		commit(t, o)
		fmt.Println("committed", o.Number())
	}
}
