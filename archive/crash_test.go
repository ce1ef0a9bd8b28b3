package archive_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// script is what the crash tests record: every kind of step, in small.
func script(w *archive.Writer, readers [2][]age.Recipient) error {
	object := func(k archive.Kind) error {
		o, err := w.Create(k)
		if err != nil {
			return err
		}
		if _, err := o.Write(content(o.Number(), 70_000)); err != nil {
			return err
		}
		return o.Commit()
	}
	for _, r := range readers {
		if _, err := w.StartEpoch(r); err != nil {
			return err
		}
		for _, k := range []archive.Kind{archive.Segment, archive.Segment, archive.Index} {
			if err := object(k); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

// crash is thrown by a step in which the process is to die.
type crash struct{}

// crashing returns what dies at step n, from 1, and a function that runs f until
// it does. It reports whether it did, and else how many steps f has.
func crashing(n int) (step func(string), until func(f func()) (died bool, steps int)) {
	steps := 0
	step = func(string) {
		if steps++; steps == n {
			panic(crash{})
		}
	}
	return step, func(f func()) (died bool, _ int) {
		defer func() {
			if r := recover(); r != nil {
				if r != (crash{}) {
					panic(r)
				}
				died = true
			}
		}()
		f()
		return false, steps
	}
}

// The process dies at every step of the write order, and then at every step of
// every recovery from that.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	readers := [2][]age.Recipient{{reader.Recipient(), classic(t).Recipient()}, {reader.Recipient()}}
	// record dies at step n.
	record := func(spool string, n int) (w *archive.Writer, died bool, steps int) {
		step, until := crashing(n)
		w, err := archive.CreateStepped(spool, archive.Config{Signer: s}, step)
		if err != nil {
			t.Fatal(err)
		}
		died, steps = until(func() {
			if err := script(w, readers); err != nil {
				t.Fatal(err)
			}
		})
		return w, died, steps
	}
	_, died, steps := record(t.TempDir(), 0)
	if died || steps < 40 {
		t.Fatalf("%d steps only, and died: %t", steps, died)
	}
	crashes := 0
	for i := range sample.Cases(t, steps, 6) {
		n := i + 1
		for m, again := 1, true; again; m++ {
			crashes++
			spool := t.TempDir()
			w, died, _ := record(spool, n)
			if !died {
				t.Fatalf("no crash at step %d of %d", n, steps)
			}
			if err := w.Crash(); err != nil {
				t.Fatal(err)
			}
			head := headSize(t, spool, w.ID())

			step, until := crashing(m)
			again, _ = until(func() {
				if _, err := archive.RecoverStepped(t.Context(), spool, archive.Config{Signer: s}, step); err != nil {
					t.Errorf("step %d, then %d: %v", n, m, err)
				}
			})
			recoverAll(t, spool, archive.Config{Signer: s})
			left, err := os.ReadDir(spool)
			if err != nil || len(left) == 0 && head > 0 {
				t.Fatalf("step %d: a recording of %d objects is gone, %v", n, head, err)
			}
			if len(left) == 0 {
				continue
			}
			r := verified(t, openDir(t, spool), w.ID(), s, reader)
			if r.Head().Size < head || !r.Head().State.Final() {
				t.Errorf("step %d, then %d: head %+v, there were %d objects", n, m, r.Head(), head)
			}
			for _, i := range r.Segments() {
				// A segment that was finished is whole, whatever its name says.
				got, err := r.ReadSegment(t.Context(), i.Number)
				if err != nil || !bytes.Equal(got, content(i.Number, 70_000)) {
					t.Errorf("step %d, then %d: %s: %d bytes, %v", n, m, i.Name, len(got), err)
				}
			}
		}
	}
	t.Logf("%d crashes, and as many in recovering from them, of %d steps", crashes, steps)
}

// headSize returns the number of objects that the head on the disk signs.
func headSize(t testing.TB, spool, id string) int64 {
	t.Helper()
	text, _, ok := strings.Cut(files(t, spool)[id+"/head"], "\n\n")
	if !ok {
		return 0
	}
	h, err := archive.ParseHead(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return h.Size
}
