package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A counting store notes what is read from it, and each answer takes a while.
type counting struct {
	archive.Store
	delay time.Duration

	mu  sync.Mutex
	got []string // names, without the recording's
}

func (c *counting) note(what string) {
	c.mu.Lock()
	c.got = append(c.got, what)
	c.mu.Unlock()
	time.Sleep(c.delay)
}

func (c *counting) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	_, rest, _ := strings.Cut(name, "/")
	c.note(rest)
	return c.Store.Get(ctx, name, off, n)
}

func (c *counting) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	c.note("list " + prefix)
	return c.Store.List(ctx, prefix)
}

// want fails the test unless these were read since the last call, in any order.
func (c *counting) want(t *testing.T, names ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.got)
	if slices.Sort(names); !slices.Equal(c.got, names) {
		t.Errorf("read %q, want %q", c.got, names)
	}
	c.got = nil
}

// A reader of a copy that grows sees each state of it, asks only for what is
// new, and opens no epoch twice.
func TestFollowLive(t *testing.T) {
	ctx := t.Context()
	s, reader, late := newSigner(t, "recorder"), hybrid(t), hybrid(t)
	spool, mem := t.TempDir(), new(storetest.Mem)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	copier := archive.NewCopier(mem, openDir(t, spool), w.ID())
	upload := func() {
		t.Helper()
		if err := copier.Copy(ctx); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, begin(t, w, archive.Segment, []byte("segment 0")))
	upload()

	store := &counting{Store: mem}
	heads := archive.HeadDir(t.TempDir())
	first, err := archive.Open(ctx, store, w.ID(), archive.Options{
		Verifiers: s.verifiers, Identities: []age.Identity{reader}, Heads: heads,
	})
	if err != nil {
		t.Fatal(err)
	}
	store.want(t, "head", "log/0000")
	r := first
	follow := func(want int, state archive.State) {
		t.Helper()
		next, err := r.Follow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if (next == r) != (len(r.Segments()) == want && r.Head().State == state) {
			t.Errorf("changed: %v", next != r)
		}
		if n := len(next.Segments()); n != want || next.Head().State != state || !slices.Equal(next.Signers(), []archive.Signer{{Name: "recorder"}}) {
			t.Errorf("%d segments, %s, signed by %v", n, next.Head().State, next.Signers())
		}
		if seen, ok, err := heads.Load(w.ID()); err != nil || !ok || seen != next.Head() {
			t.Errorf("remembered %+v, %v", seen, err)
		}
		r = next
	}
	read := func(n int) {
		t.Helper()
		if b, err := r.ReadSegment(ctx, n); err != nil || string(b) != fmt.Sprintf("segment %d", n) {
			t.Errorf("segment %d: %q, %v", n, b, err)
		}
	}

	read(0)
	store.want(t, "epochs/000001.age", "segments/000000.age")
	follow(1, archive.StateOpen)
	store.want(t, "head")
	commit(t, begin(t, w, archive.Segment, []byte("segment 1")))
	follow(1, archive.StateOpen) // not uploaded
	upload()
	store.want(t, "head")
	follow(2, archive.StateOpen)
	store.want(t, "head", "log/0000")
	read(1)
	store.want(t, "segments/000001.age") // one segment, one request
	startEpoch(t, w, reader.Recipient(), late.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("segment 2")))
	commit(t, begin(t, w, archive.Index, []byte("index")))
	upload()
	follow(3, archive.StateOpen)
	read(0)
	read(2)
	store.want(t, "head", "log/0000", "segments/000000.age", "epochs/000002.age", "segments/000002.age")
	closeWriter(t, w)
	upload()
	follow(3, archive.StateClosed)
	follow(3, archive.StateClosed)
	store.want(t, "head", "head")

	// The first is as it was.
	if len(first.Segments()) != 1 || len(first.Epochs()) != 1 || first.Head().State != archive.StateOpen {
		t.Errorf("the recording that was followed changed: %+v", first.Head())
	}
	if next, err := first.Follow(ctx); err != nil || len(next.Segments()) != 3 || len(next.Indexes()) != 1 {
		t.Errorf("following the first: %v", err)
	}
	if err := mem.Delete(ctx, w.ID()+"/head"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Follow(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a head: %v", err)
	}
}

// A forged recording is a log, and heads of its beginnings.
type forged struct {
	t       *testing.T
	mem     *storetest.Mem
	id      string
	s       signer
	entries []archive.Entry
}

// newForged has an epoch and n segments. Their content does not matter.
func newForged(t *testing.T, n int) *forged {
	f := &forged{t: t, mem: new(storetest.Mem), id: archive.NewID(), s: newSigner(t, "recorder")}
	f.entries = []archive.Entry{{Name: "epochs/000001.age"}}
	for i := range n {
		f.entries = append(f.entries, archive.Entry{Name: fmt.Sprintf("segments/%06d.age", i), SHA256: [32]byte{byte(i)}})
	}
	return f
}

// put puts a log of these lines, and a head of the first size of them.
func (f *forged) put(entries []archive.Entry, size int, state archive.State) {
	f.t.Helper()
	_, head, err := archive.Forge(f.id, entries[:size], state, f.s)
	if err != nil {
		f.t.Fatal(err)
	}
	for n, lines := 0, entries; len(lines) > 0; n++ {
		file := lines[:min(1024, len(lines))]
		lines = lines[len(file):]
		text, _, err := archive.Forge(f.id, file, archive.StateOpen, f.s)
		if err != nil {
			f.t.Fatal(err)
		}
		f.mem.Set(fmt.Sprintf("%s/log/%04d", f.id, n), text)
	}
	f.mem.Set(f.id+"/head", head)
}

func (f *forged) open(store archive.Store) *archive.Recording {
	f.t.Helper()
	r, err := archive.Open(f.t.Context(), store, f.id, archive.Options{Verifiers: f.s.verifiers})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// Only the files of the log that can have something new are read.
func TestFollowLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to, beyond int
		want             []string
	}{
		{1, 2, 0, []string{"log/0000"}},
		{1000, 1024, 0, []string{"log/0000"}},
		{1000, 1024, 1, []string{"log/0000"}}, // the line beyond is in a file that need not be read
		{1024, 1024, 0, nil},
		{1024, 1025, 3, []string{"log/0001"}},
		{1023, 1025, 0, []string{"log/0000", "log/0001"}},
		{1500, 1501, 500, []string{"log/0001"}},
		{1500, 3100, 0, []string{"log/0001", "log/0002", "log/0003"}},
		{2048, 2048, 10, nil},
	} {
		t.Run(fmt.Sprintf("%d to %d", tt.from, tt.to), func(t *testing.T) {
			f := newForged(t, 4000)
			f.put(f.entries[:tt.from], tt.from, archive.StateOpen)
			store := &counting{Store: f.mem}
			r := f.open(store)
			store.got = nil
			f.put(f.entries[:tt.to+tt.beyond], tt.to, archive.StateClosed)
			next, err := r.Follow(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			store.want(t, append(tt.want, "head")...)
			if !slices.Equal(next.Entries(), f.entries[:tt.to]) || len(next.Segments()) != tt.to-1 || next.Head().State != archive.StateClosed {
				t.Errorf("%d entries, %+v", len(next.Entries()), next.Head())
			}
			if again := f.open(f.mem); again.Head() != next.Head() {
				t.Errorf("opened anew: %+v", again.Head())
			}
		})
	}
}

// What does not go on from what was there is told apart as Open does, without a
// memory of heads.
func TestFollowRefuses(t *testing.T) {
	t.Parallel()
	const size = 1500
	other := func(f *forged, line int) []archive.Entry {
		e := slices.Clone(f.entries)
		e[line].SHA256[31] = 1
		return e
	}
	type (
		rollback = *archive.RollbackError
		fork     = *archive.ForkError
		corrupt  = *archive.CorruptError
	)
	for _, tt := range []struct {
		name   string
		state  archive.State // before
		change func(f *forged)
		is     func(error) bool
	}{
		{"rolled back", archive.StateOpen, func(f *forged) { f.put(f.entries[:size-1], size-1, archive.StateOpen) }, isA[rollback]},
		{"rolled back to a smaller end", archive.StateOpen, func(f *forged) { f.put(f.entries[:3], 3, archive.StateClosed) }, isA[rollback]},
		{"open again", archive.StateClosed, func(f *forged) { f.put(f.entries, size+1, archive.StateOpen) }, isA[rollback]},
		{"longer after its end", archive.StateClosed, func(f *forged) { f.put(f.entries, size+1, archive.StateClosed) }, isA[fork]},
		{"another end", archive.StateClosed, func(f *forged) { f.put(f.entries, size, archive.StateCut) }, isA[fork]},
		{"another of the same size", archive.StateOpen, func(f *forged) { f.put(other(f, 3), size, archive.StateOpen) }, isA[fork]},
		{"another first file", archive.StateOpen, func(f *forged) { f.put(other(f, 3), size+5, archive.StateOpen) }, isA[fork]},
		{"another last line", archive.StateOpen, func(f *forged) { f.put(other(f, size-1), size+5, archive.StateOpen) }, isA[fork]},
		{"a log that was not signed", archive.StateOpen, func(f *forged) {
			f.put(f.entries, size+5, archive.StateOpen)
			text, _ := f.mem.Object(f.id + "/log/0001")
			i := bytes.Index(text, []byte(f.entries[size+2].String()))
			text[i] ^= 1
			f.mem.Set(f.id+"/log/0001", text)
		}, isA[corrupt]},
		{"a log that is missing", archive.StateOpen, func(f *forged) {
			f.put(f.entries, size+5, archive.StateOpen)
			if err := f.mem.Delete(context.Background(), f.id+"/log/0001"); err != nil {
				t.Fatal(err)
			}
		}, isA[corrupt]},
		{"a log that lags behind", archive.StateOpen, func(f *forged) {
			old, _ := f.mem.Object(f.id + "/log/0001")
			f.put(f.entries, size+5, archive.StateOpen)
			f.mem.Set(f.id+"/log/0001", old)
		}, isA[corrupt]},
		{"a malformed head", archive.StateOpen, func(f *forged) { f.mem.Set(f.id+"/head", []byte("?")) }, isA[corrupt]},
		{"a foreign head", archive.StateOpen, func(f *forged) {
			f.s = newSigner(f.t, "recorder")
			f.put(f.entries, size+1, archive.StateOpen)
		}, func(err error) bool { return errors.Is(err, archive.ErrForeignSigner) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newForged(t, 3000)
			f.put(f.entries[:size], size, tt.state)
			r := f.open(f.mem)
			before := r.Head()
			tt.change(f)
			next, err := r.Follow(t.Context())
			if next != nil || !tt.is(err) {
				t.Errorf("followed: %t, %v", next != nil, err)
			}
			if r.Head() != before || len(r.Entries()) != size {
				t.Error("the recording changed")
			}
		})
	}
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// A store error is passed on, and following goes on after it.
func TestFollowStoreFails(t *testing.T) {
	fault := errors.New("fault")
	failing := ""
	f := newForged(t, 100)
	f.mem.OnGet = func(name string, data []byte) ([]byte, error) {
		if failing != "" && strings.HasSuffix(name, failing) {
			return nil, fault
		}
		return data, nil
	}
	f.put(f.entries[:50], 50, archive.StateOpen)
	r := f.open(f.mem)
	f.put(f.entries[:60], 60, archive.StateOpen)
	for _, failing = range []string{"/head", "/log/0000"} {
		if next, err := r.Follow(t.Context()); next != nil || !errors.Is(err, fault) || isA[*archive.CorruptError](err) {
			t.Errorf("%s: followed: %t, %v", failing, next != nil, err)
		}
	}
	failing = ""
	if next, err := r.Follow(t.Context()); err != nil || len(next.Entries()) != 60 {
		t.Errorf("going on: %v", err)
	}
}

// The first bytes of a recording with 50 readers and 10,000 segments are four
// round trips away: head, log, epoch, segment.
func TestOpenRounds(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	readers := make([]age.Recipient, 50)
	for i := range readers {
		readers[i] = hybrid(t).Recipient()
	}
	readers[37] = reader.Recipient()
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, readers...)
	commit(t, begin(t, w, archive.Segment, []byte("segment 0")))
	f := newForged(t, 10_000)
	f.id, f.s = w.ID(), s
	closeWriter(t, w)
	if err := archive.Copy(t.Context(), f.mem, openDir(t, spool), f.id); err != nil {
		t.Fatal(err)
	}
	copy(f.entries, f.open(f.mem).Entries()) // the true epoch and segment 0
	f.put(f.entries, len(f.entries), archive.StateClosed)

	synctest.Test(t, func(t *testing.T) {
		const delay = time.Hour // of a fake clock: what is counted are round trips
		store := &counting{Store: f.mem, delay: delay}
		start := time.Now()
		rounds := func() int { return int(time.Since(start) / delay) }
		r, err := archive.Open(t.Context(), store, f.id, archive.Options{
			Verifiers: s.verifiers, Identities: []age.Identity{hybrid(t), reader},
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := rounds(); n != 2 || len(r.Segments()) != 10_000 {
			t.Errorf("%d segments opened in %d rounds, want 2", len(r.Segments()), n)
		}
		if b, err := r.ReadSegment(t.Context(), 0); err != nil || string(b) != "segment 0" {
			t.Fatalf("%q, %v", b, err)
		}
		if n := rounds(); n != 4 {
			t.Errorf("%d rounds to the first segment, want 4", n)
		}
		store.got = nil
		if _, err := r.ReadSegment(t.Context(), 0); err != nil {
			t.Error(err)
		}
		store.want(t, "segments/000000.age")
	})
}

// Who is admitted to an epoch while it goes on can read it from the next state
// on.
func TestFollowAdmitted(t *testing.T) {
	ctx, spool := t.Context(), t.TempDir()
	recorder, late := newPerson(t, "recorder"), newPerson(t, "late")
	w := create(t, spool, archive.Config{Signer: recorder, KeepSecret: true}, hybrid(t).Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("segment 0")))
	r, err := archive.Open(ctx, openDir(t, spool), w.ID(), archive.Options{
		Verifiers: note.VerifierList(recorder.verifier), Identities: []age.Identity{late.id}, Self: []string{late.key},
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want error) {
		t.Helper()
		b, err := r.ReadSegment(ctx, 0)
		if !errors.Is(err, want) || want == nil && string(b) != "segment 0" {
			t.Errorf("%q, %v", b, err)
		}
	}
	read(archive.ErrNoKey)
	if err := w.Admit([]age.Recipient{late.id.Recipient()}); err != nil {
		t.Fatal(err)
	}
	read(archive.ErrNoKey)
	if r, err = r.Follow(ctx); err != nil {
		t.Fatal(err)
	}
	read(nil)
	closeWriter(t, w)
}
