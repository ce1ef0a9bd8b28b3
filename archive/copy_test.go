package archive_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// objectsIn returns the objects of a recording in a store.
func objectsIn(t testing.TB, s archive.Store, id string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for info, err := range s.List(context.Background(), id+"/") {
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Get(context.Background(), info.Name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(info.Name, id+"/")] = b.String()
	}
	return all
}

// putLog notes the names that are put in a Mem, in order of their completion.
type putLog struct {
	mu    sync.Mutex
	names []string
}

func (p *putLog) hook(name string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, name, _ = strings.Cut(name, "/")
	p.names = append(p.names, name)
	return true, nil
}

func (p *putLog) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := p.names
	p.names = nil
	return names
}

// A Copier follows a recording, and sends only what is new.
func TestCopyFollows(t *testing.T) {
	ctx := t.Context()
	spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
	src, dst, puts := openDir(t, spool), new(storetest.Mem), new(putLog)
	dst.OnPut = puts.hook
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient(), classic(t).Recipient())
	var stored []string
	c := archive.NewCopier(dst, src, w.ID())
	c.Parallel = 1
	c.OnStored = func(e archive.Entry) { stored = append(stored, e.Name) }
	pass := func(want ...string) {
		t.Helper()
		if err := c.Copy(ctx); err != nil {
			t.Fatal(err)
		}
		if got := puts.take(); !slices.Equal(got, want) {
			t.Errorf("put %q, want %q", got, want)
		}
		if c.Pending() != 0 {
			t.Errorf("%d pending", c.Pending())
		}
		if len(want) > 0 {
			verified(t, dst, w.ID(), s, reader)
		}
	}
	pass("epochs/000001.age", "epochs/000001-classic.age", "log/0000", "head")
	pass()
	commit(t, begin(t, w, archive.Segment, []byte("0")))
	open := begin(t, w, archive.Segment, content(1, 200_000))
	pass("segments/000000.age", "log/0000", "head")
	commit(t, open)
	commit(t, begin(t, w, archive.Index, nil))
	startEpoch(t, w, reader.Recipient())
	pass("segments/000001.age", "index/000000.age", "epochs/000002.age", "log/0000", "head")
	closeWriter(t, w)
	pass("head")
	pass()

	want := []string{"epochs/000001.age", "epochs/000001-classic.age", "segments/000000.age", "segments/000001.age", "index/000000.age", "epochs/000002.age"}
	if !slices.Equal(stored, want) {
		t.Errorf("OnStored was called for %q, want %q", stored, want)
	}
	local := files(t, filepath.Join(spool, w.ID()))
	delete(local, ".lock")
	if !maps.Equal(local, objectsIn(t, dst, w.ID())) {
		t.Error("the copy is not the same")
	}
	if err := archive.NewCopier(dst, src, archive.NewID()).Copy(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("copying what is not there: %v", err)
	}
}

// A copier runs beside the writer, woken by Changed.
func TestCopyBesideWriter(t *testing.T) {
	t.Parallel()
	spool, s, reader := t.TempDir(), newSigner(t, "recorder"), hybrid(t)
	wake := make(chan struct{}, 1)
	w := create(t, spool, archive.Config{Signer: s, Changed: func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}}, reader.Recipient())
	dst := new(storetest.Mem)
	c := archive.NewCopier(dst, openDir(t, spool), w.ID())
	copied := make(chan error, 1)
	go func() {
		for range wake {
			if err := c.Copy(context.Background()); err != nil {
				copied <- err
				return
			}
		}
		copied <- c.Copy(context.Background())
	}()
	for i := range 150 {
		commit(t, begin(t, w, archive.Segment, []byte{byte(i)}))
		if i%40 == 0 {
			startEpoch(t, w, reader.Recipient())
		}
	}
	closeWriter(t, w)
	close(wake)
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	r := verified(t, dst, w.ID(), s, reader)
	if len(r.Segments()) != 150 || r.Head().State != archive.StateClosed {
		t.Errorf("%d segments, %s", len(r.Segments()), r.Head().State)
	}
}

// However a store fails, the copy gets there in the end, and never has a head
// that names what is not there.
func TestCopyFaults(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 4, reader.Recipient())
	src := new(storetest.Mem)
	fill(t, src, id, objects)
	failed := errors.New("connection reset")
	for _, applied := range []bool{false, true} {
		for _, fresh := range []bool{false, true} { // a new Copier after each failure, as after a crash
			for _, every := range []int{2, 3} {
				dst := new(storetest.Mem)
				var mu sync.Mutex
				puts := 0
				dst.OnPut = func(name string) (bool, error) {
					mu.Lock()
					defer mu.Unlock()
					if puts++; puts%every == 0 || puts < 6 {
						return applied, failed
					}
					return true, nil
				}
				c := archive.NewCopier(dst, src, id)
				failures := 0
				for {
					err := c.Copy(t.Context())
					if err == nil {
						break
					}
					if !errors.Is(err, failed) {
						t.Fatal(err)
					}
					if failures++; failures > 100 {
						t.Fatal("it never ends")
					}
					if _, ok := dst.Object(id + "/head"); ok {
						verified(t, dst, id, s, reader)
					}
					if fresh {
						// It must get through all in one go, some time.
						c = archive.NewCopier(dst, src, id)
						if failures > 10 {
							every = 1000
						}
					}
				}
				if failures == 0 {
					t.Error("nothing failed")
				}
				if !maps.Equal(objects, objectsIn(t, dst, id)) {
					t.Errorf("applied %v, every %d: the copy is not the same", applied, every)
				}
			}
		}
	}
}

// An epoch is there before what is sealed to it, and the head comes last, at
// every moment and however much goes on at once.
func TestCopyOrder(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	epochOf := make(map[string]string)
	for range 5 {
		for range 6 {
			o := begin(t, w, archive.Segment, nil)
			epochOf[o.Name()] = map[int]string{1: "epochs/000001.age", 2: "epochs/000002.age", 3: "epochs/000003.age", 4: "epochs/000004.age", 5: "epochs/000005.age"}[o.Epoch()]
			commit(t, o)
		}
		if len(epochOf) < 30 {
			startEpoch(t, w, reader.Recipient())
		}
	}
	closeWriter(t, w)
	dst := new(storetest.Mem)
	dst.OnPut = func(name string) (bool, error) {
		_, name, _ = strings.Cut(name, "/")
		if epoch, ok := epochOf[name]; ok {
			if _, ok := dst.Object(w.ID() + "/" + epoch); !ok {
				t.Errorf("%s is put before %s", name, epoch)
			}
		}
		for segment := range epochOf {
			if _, ok := dst.Object(w.ID() + "/" + segment); !ok && (name == "head" || strings.HasPrefix(name, "log/")) {
				t.Errorf("%s is put before %s", name, segment)
			}
		}
		return true, nil
	}
	c := archive.NewCopier(dst, openDir(t, spool), w.ID())
	c.Parallel = 8
	if err := c.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, dst, w.ID(), s, reader)
}

// A bad object does not hold up the others, and holds back the head.
func TestCopyBadObject(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 4, reader.Recipient())
	const bad = "segments/000001.age"
	for name, damage := range map[string]func(src, dst *storetest.Mem){
		"flipped": func(src, dst *storetest.Mem) { src.Set(id+"/"+bad, []byte(flip(objects[bad], 99))) },
		"cut":     func(src, dst *storetest.Mem) { src.Set(id+"/"+bad, []byte(objects[bad][:99])) },
		"missing": func(src, dst *storetest.Mem) {
			if err := src.Delete(t.Context(), id+"/"+bad); err != nil {
				t.Error(err)
			}
		},
		"too large":   func(src, dst *storetest.Mem) { src.Set(id+"/"+bad, make([]byte, archive.MaxObject+1)) },
		"taken there": func(src, dst *storetest.Mem) { dst.Set(id+"/"+bad, []byte("mine")) },
	} {
		t.Run(name, func(t *testing.T) {
			src, dst := new(storetest.Mem), new(storetest.Mem)
			fill(t, src, id, objects)
			damage(src, dst)
			c := archive.NewCopier(dst, src, id)
			var b *archive.BadObjectError
			for range 2 {
				err := c.Copy(t.Context())
				if !errors.As(err, &b) || b.Name != bad || b.ID != id || errors.Is(err, archive.ErrConflict) != (name == "taken there") {
					t.Fatalf("got %v, want a BadObjectError", err)
				}
				if c.Pending() != 1 {
					t.Errorf("%d pending", c.Pending())
				}
			}
			got := objectsIn(t, dst, id)
			for name := range objects {
				_, ok := got[name]
				if want := name != "head" && name != "log/0000" && (name != bad || dst != nil && got[bad] == "mine"); ok != want {
					t.Errorf("%s is there: %v, want %v", name, ok, want)
				}
			}
			fill(t, src, id, objects)
			if name == "taken there" {
				if err := dst.Delete(t.Context(), id+"/"+bad); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Copy(t.Context()); err != nil {
				t.Fatal(err)
			}
			verified(t, dst, id, s, reader)
		})
	}
}

// The destination's head never goes back, nor to another recording.
func TestCopyHeads(t *testing.T) {
	s := newSigner(t, "recorder")
	spool := t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	state := func() map[string]string {
		o := files(t, filepath.Join(spool, w.ID()))
		delete(o, ".lock")
		return o
	}
	commit(t, begin(t, w, archive.Segment, nil))
	small := state()
	commit(t, begin(t, w, archive.Segment, nil))
	large := state()
	closeWriter(t, w)
	closed := state()
	fork := maps.Clone(large)
	log, head, err := archive.Forge(w.ID(), []archive.Entry{{Name: "epochs/000001.age"}, {Name: "segments/000000.age"}}, archive.StateOpen, s)
	if err != nil {
		t.Fatal(err)
	}
	fork["log/0000"], fork["head"] = string(log), string(head)

	for _, test := range []struct {
		name     string
		src, dst map[string]string
		want     string
	}{
		{"grown", large, small, ""}, {"closed", closed, large, ""}, {"same", large, large, ""},
		{"smaller", small, large, "rolled back"}, {"open again", large, closed, "rolled back"},
		{"another", large, fork, "forked"}, {"bad", large, map[string]string{"head": "?"}, "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			src, dst := new(storetest.Mem), new(storetest.Mem)
			fill(t, src, w.ID(), test.src)
			fill(t, dst, w.ID(), test.dst)
			err := archive.NewCopier(dst, src, w.ID()).Copy(t.Context())
			if test.want == "" {
				if err != nil || !maps.Equal(objectsIn(t, dst, w.ID()), test.src) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if !maps.Equal(objectsIn(t, dst, w.ID()), test.dst) {
				t.Error("something was put")
			}
		})
	}

	t.Run("more signatures", func(t *testing.T) {
		src, dst := new(storetest.Mem), new(storetest.Mem)
		fill(t, src, w.ID(), closed)
		signed := maps.Clone(closed)
		signed["head"] += "— witness AAAAAQAB\n"
		fill(t, dst, w.ID(), signed)
		if err := archive.Copy(t.Context(), dst, src, w.ID()); err != nil {
			t.Fatal(err)
		}
		if got, _ := dst.Object(w.ID() + "/head"); string(got) != signed["head"] {
			t.Error("a witness's signature was overwritten")
		}
	})

	// A log that is ahead of the head, as between two steps of a writer.
	t.Run("log ahead", func(t *testing.T) {
		src, dst := new(storetest.Mem), new(storetest.Mem)
		ahead := maps.Clone(large)
		ahead["head"] = small["head"]
		fill(t, src, w.ID(), ahead)
		if err := archive.Copy(t.Context(), dst, src, w.ID()); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(objectsIn(t, dst, w.ID()), small) {
			t.Error("more was put than the head signs")
		}
	})
}

// Copy takes shares along, and moves nothing else that the log does not name.
func TestCopyShares(t *testing.T) {
	s := newSigner(t, "recorder")
	id, objects := recordSmall(t, s)
	share := archive.ShareName([]byte("grant"))
	src, dst := new(storetest.Mem), new(storetest.Mem)
	fill(t, src, id, objects)
	fill(t, src, id, map[string]string{share: "grant", "shares/odd.age": "x", "segments/000009.age": "x", "head.age": "x"})
	for range 2 {
		if err := archive.Copy(t.Context(), dst, src, id); err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(objects)
		want[share] = "grant"
		if got := objectsIn(t, dst, id); !maps.Equal(got, want) {
			t.Errorf("copied %v", slices.Sorted(maps.Keys(got)))
		}
	}
}

func TestCopyCancelled(t *testing.T) {
	s := newSigner(t, "recorder")
	id, objects := record(t, s, true, 4, hybrid(t).Recipient())
	src, dst := new(storetest.Mem), new(storetest.Mem)
	fill(t, src, id, objects)
	ctx, cancel := context.WithCancel(t.Context())
	dst.OnPut = func(name string) (bool, error) {
		if strings.HasSuffix(name, "segments/000000.age") {
			cancel()
		}
		return true, nil
	}
	if err := archive.Copy(ctx, dst, src, id); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, ok := dst.Object(id + "/head"); ok {
		t.Error("the head was put")
	}
}

// Random bytes in the place of anything must never make Open, Verify or Copy do
// more than refuse.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "recorder")
	id, objects := recordSmall(t, s)
	for name := range objects {
		for _, n := range []int{0, 1, 100, 100_000} {
			src := new(storetest.Mem)
			fill(t, src, id, objects)
			garbage := make([]byte, n)
			rand.Read(garbage)
			src.Set(id+"/"+name, garbage)
			if r, err := archive.Verify(t.Context(), src, id, archive.Options{Verifiers: s.verifiers}, nil); err != nil || r.OK() {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
			if err := archive.Copy(t.Context(), new(storetest.Mem), src, id); err == nil {
				t.Errorf("%s was copied", name)
			}
		}
	}
}
