package archive_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
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

// crashing returns c so that it dies at step n, from 1, and a function that runs
// f until it does. It reports whether it did.
func crashing(c archive.Config, n int) (archive.Config, func(f func()) bool) {
	steps := 0
	c = c.WithStep(func(string) {
		if steps++; steps == n {
			panic(crash{})
		}
	})
	return c, func(f func()) (died bool) {
		defer func() {
			if r := recover(); r != nil {
				if r != (crash{}) {
					panic(r)
				}
				died = true
			}
		}()
		f()
		return false
	}
}

// The process dies at every step of the write order, and then at every step of
// every recovery from that.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	readers := [2][]age.Recipient{{reader.Recipient(), classic(t).Recipient()}, {reader.Recipient()}}
	ctx := context.Background()
	crashes := 0
	for n := 1; ; n++ {
		last := false
		for m := 1; ; m++ {
			spool := t.TempDir()
			c, until := crashing(archive.Config{Signer: s}, n)
			w, err := archive.Create(spool, c)
			if err != nil {
				t.Fatal(err)
			}
			died := until(func() {
				if err := script(w, readers); err != nil {
					t.Fatal(err)
				}
			})
			if !died {
				last = true
				break
			}
			crashes++
			if err := w.Crash(); err != nil {
				t.Fatal(err)
			}
			head := headSize(t, spool, w.ID())

			c, until = crashing(archive.Config{Signer: s}, m)
			again := until(func() {
				if _, err := archive.Recover(ctx, spool, c); err != nil {
					t.Errorf("step %d, then %d: %v", n, m, err)
				}
			})
			recoverAll(t, spool, archive.Config{Signer: s})
			if left, err := os.ReadDir(spool); err != nil || len(left) == 0 && head > 0 {
				t.Fatalf("step %d: a recording of %d objects is gone, %v", n, head, err)
			} else if len(left) > 0 {
				r := verified(t, openDir(t, spool), w.ID(), s, reader)
				if r.Head().Size < head || !r.Head().State.Final() {
					t.Errorf("step %d, then %d: head %+v, there were %d objects", n, m, r.Head(), head)
				}
				for _, i := range r.Segments() {
					// A segment that was finished is whole, whatever its name says.
					got, err := r.ReadSegment(ctx, i.Number)
					if err != nil || !bytes.Equal(got, content(i.Number, 70_000)) {
						t.Errorf("step %d, then %d: %s: %d bytes, %v", n, m, i.Name, len(got), err)
					}
				}
			}
			if !again {
				break
			}
		}
		if last {
			break
		}
	}
	if crashes < 50 {
		t.Errorf("only %d crashes", crashes)
	}
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
