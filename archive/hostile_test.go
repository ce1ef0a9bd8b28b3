package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A hostileStore says what it likes.
type hostileStore struct {
	archive.Store
	prefixes iter.Seq2[string, error]
	list     func(prefix string) iter.Seq2[archive.Info, error] // nil: as the Store
	large    string                                             // this object has 4.5 GiB
	read     int64                                              // bytes of it that were read
}

func (s *hostileStore) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	if s.list != nil {
		return s.list(prefix)
	}
	return s.Store.List(ctx, prefix)
}

func (s *hostileStore) Prefixes(context.Context) iter.Seq2[string, error] { return s.prefixes }

func (s *hostileStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if s.large == "" || !strings.HasSuffix(name, s.large) {
		return s.Store.Get(ctx, name, off, n)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(io.LimitReader(zeros{}, 4.5*(1<<30)), counter{&s.read}), io.NopCloser(nil)}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type counter struct{ n *int64 }

func (c counter) Write(p []byte) (int, error) { *c.n += int64(len(p)); return len(p), nil }

// Of an object that goes on for ever no more is read than any can have.
func TestVerifyLargeObject(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 2, reader.Recipient())
	for name, most := range map[string]int64{
		"segments/000001.age": archive.MaxObject, "epochs/000001.age": 4 << 20, "log/0000": 1 << 20, "head": 1 << 20,
	} {
		mem := new(storetest.Mem)
		fill(t, mem, id, objects)
		store := &hostileStore{Store: mem, large: name}
		var problems []string
		report, err := archive.Verify(t.Context(), store, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) {
			problems = append(problems, p.Kind+" "+p.Object)
		})
		if err != nil || report.Problems != 1 || !strings.HasSuffix(problems[0], " "+name) {
			t.Errorf("%s: %q, %v", name, problems, err)
		}
		if store.read > most+1<<20 {
			t.Errorf("%s: %d bytes were read", name, store.read)
		}
		r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers})
		if err == nil {
			_, err = r.ReadersAtMost(t.Context(), 1)
		}
		if opens := strings.HasPrefix(name, "segments/"); opens != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// forever yields what f makes of 0, 1, 2 and so on, and counts.
func forever[T any](n *int, f func(int) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for *n = 0; yield(f(*n), nil); *n++ {
		}
	}
}

// A listing that never ends, or goes round in circles, ends all the same, and
// takes no memory for each name.
func TestEndlessListing(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	var id string
	cases := []struct {
		name  string
		made  func(int) string
		ended bool // as listings end, with names that make sense
	}{
		{"circle", func(int) string { return id + "/head" }, false},
		{"another", func(i int) string { return fmt.Sprintf("%s/segments/%06d.age", archive.NewID(), i) }, false},
		{"rising", func(i int) string { return fmt.Sprintf("%s/segments/%012d.age", id, i) }, true},
		{"tail", func(i int) string { return fmt.Sprintf("%s/segments/%06d.age", id, i+100) }, true},
		{"shares", func(i int) string { return fmt.Sprintf("%s/shares/%025d0.age", id, i) }, false},
	}
	// A million names take a while, with -race a minute for all of them.
	for i := range sample.Cases(t, 2*len(cases), 2) {
		closed, c, n := i%2 == 0, cases[i/2], 0
		var objects map[string]string
		id, objects = record(t, s, closed, 2, reader.Recipient())
		mem := new(storetest.Mem)
		fill(t, mem, id, objects)
		store := &hostileStore{Store: mem}
		store.list = func(prefix string) iter.Seq2[archive.Info, error] {
			if c.ended && !strings.HasPrefix(c.made(0), prefix) {
				return func(func(archive.Info, error) bool) {} // shares, of which it has none
			}
			return forever(&n, func(i int) archive.Info { return archive.Info{Name: c.made(i), Size: 13_000} })
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		report, err := archive.Verify(t.Context(), store, id, archive.Options{Verifiers: s.verifiers}, nil)
		if (err == nil) != c.ended || report.OK() == c.ended || report.Problems > 1025 || len(report.Tail) > 1024 {
			t.Errorf("%s: %v, tail of %d", c.name, err, len(report.Tail))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
			t.Errorf("%s: grew by %d MiB", c.name, grown>>20)
		}
		// Whatever else lists ends, too.
		r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: nil})
		if err != nil {
			t.Fatal(err)
		}
		if tail, err := r.Tail(t.Context()); len(tail) > 1024 || err == nil && len(tail) < 1024 {
			t.Errorf("%s: tail of %d, %v", c.name, len(tail), err)
		}
		if c.name == "circle" || c.name == "another" {
			n = 0
			for _, err := range archive.Retry(store, archive.RetryConfig{}).List(t.Context(), id+"/") {
				if c.name == "circle" && err == nil && n > 1 {
					t.Fatal("a retried listing goes on")
				}
				if n > 100 {
					break
				}
			}
		}
	}
}

// The same of a store with recordings without end.
func TestEndlessRecordings(t *testing.T) {
	n, yielded := 0, 0
	store := &hostileStore{Store: new(storetest.Mem)}
	store.prefixes = forever(&n, func(i int) string { return fmt.Sprintf("%025d0", i) })
	var last error
	for _, err := range archive.IDs(t.Context(), store) {
		yielded++
		last = err
	}
	if last == nil || yielded > 1<<20+1 {
		t.Errorf("%d recordings, %v", yielded, last)
	}
	store.prefixes = forever(&n, func(int) string { return strings.Repeat("0", 26) })
	if _, err := archive.FindID(t.Context(), store, "1"); err == nil || errors.Is(err, archive.ErrNotFound) {
		t.Errorf("in circles: %v", err)
	}
}

// What someone who can only put objects put in the place of a recording's stops
// its recorder for no time, and is told; nothing of a stranger's is overwritten.
func TestTakenNames(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 3, reader.Recipient())
	foreign := func(state archive.State, by signer) []byte {
		t.Helper()
		entries := make([]archive.Entry, 100)
		for i := range entries {
			entries[i].Name = fmt.Sprintf("segments/%06d.age", i)
		}
		_, head, err := archive.Forge(id, entries, state, by.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return head
	}
	for _, test := range []struct {
		name   string
		there  map[string][]byte
		denied bool // what is there cannot be overwritten
		own    []string
		bad    []string // where it cannot
		other  error    // of a copier that is not the recorder
	}{
		{"a garbage head", map[string][]byte{"head": []byte("garbage")}, false, []string{"head"}, nil, errAny},
		{"a large head", map[string][]byte{"head": make([]byte, 1<<20)}, false, []string{"head"}, nil, errAny},
		{"a stranger's head", map[string][]byte{"head": foreign(archive.StateClosed, newSigner(t, "recorder"))}, false, []string{"head"}, nil, errAny},
		{"names taken", map[string][]byte{"segments/000001.age": []byte("x"), "epochs/000001.age": []byte("y"), "log/0000": []byte("z")}, false,
			[]string{"epochs/000001.age", "segments/000001.age"}, nil, archive.ErrConflict},
		{"names taken for good", map[string][]byte{"segments/000001.age": []byte("x")}, true, nil, []string{"segments/000001.age"}, archive.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, own := range []bool{true, false} {
				src, dst := new(storetest.Mem), new(storetest.Mem)
				fill(t, src, id, objects)
				for name, data := range test.there {
					dst.Set(id+"/"+name, data)
				}
				dst.OnPut = func(name string) (bool, error) {
					if _, ok := dst.Object(name); ok && test.denied && strings.Contains(name, "segments/") {
						return false, fmt.Errorf("%w: %w", archive.ErrConflict, archive.ErrDenied)
					}
					return true, nil
				}
				c := archive.NewCopier(dst, src, id)
				var taken, bad []string
				if own {
					c.Own = s.verifiers
				}
				c.OnTaken = func(name string) { taken = append(taken, name) }
				c.OnBad = func(b *archive.BadObjectError) error {
					bad = append(bad, b.Name)
					if own {
						return nil
					}
					return b
				}
				err := c.Copy(t.Context())
				if !own {
					if err == nil || test.other != errAny && !errors.Is(err, test.other) {
						t.Errorf("not the recorder: %v", err)
					}
					for name, data := range test.there {
						if got, _ := dst.Object(id + "/" + name); string(got) != string(data) && name != "log/0000" {
							t.Errorf("not the recorder: %s was overwritten", name)
						}
					}
					continue
				}
				if slices.Sort(taken); err != nil || !slices.Equal(taken, test.own) || !slices.Equal(bad, test.bad) {
					t.Errorf("taken %q, bad %q, %v", taken, bad, err)
				}
				if test.bad == nil {
					verified(t, dst, id, s, reader)
				}
			}
		})
	}

	// A head of one's own that has more is no stranger's.
	src, dst := new(storetest.Mem), new(storetest.Mem)
	fill(t, src, id, objects)
	dst.Set(id+"/head", foreign(archive.StateOpen, s))
	c := archive.NewCopier(dst, src, id)
	c.Own = s.verifiers
	var back *archive.RollbackError
	if err := c.Copy(t.Context()); !errors.As(err, &back) {
		t.Errorf("one's own head with more: %v", err)
	}
}

var errAny = errors.New("any")
