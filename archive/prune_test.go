package archive_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A datedStore tells a time of each recording's head, and notes what is deleted.
type datedStore struct {
	*storetest.Mem
	times   map[string]time.Time // by ID
	deleted []string
	fail    int // Delete fails after so many, if not 0
}

var errPulled = errors.New("the plug was pulled")

func (s *datedStore) Stat(ctx context.Context, name string) (archive.Info, error) {
	info, err := s.Mem.Stat(ctx, name)
	id, _, _ := strings.Cut(name, "/")
	info.Modified = s.times[id]
	return info, err
}

func (s *datedStore) Purge(ctx context.Context, prefix string) error {
	for info := range s.List(ctx, prefix) {
		if err := s.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return nil
}

func (s *datedStore) Delete(ctx context.Context, name string) error {
	if s.fail != 0 && len(s.deleted) == s.fail {
		return errPulled
	}
	s.deleted = append(s.deleted, name)
	return s.Mem.Delete(ctx, name)
}

func TestSurvey(t *testing.T) {
	ada, eve := newSigner(t, "ada"), newSigner(t, "eve")
	s := &datedStore{Mem: &storetest.Mem{}, times: make(map[string]time.Time)}
	put := func(by signer, closed bool, day int) string {
		id, objects := record(t, by, closed, 1, hybrid(t).Recipient())
		fill(t, s, id, objects)
		s.times[id] = time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC)
		return id
	}
	newer, older := put(ada, true, 9), put(ada, true, 2)
	open, foreign, headless, damaged, rolled := put(ada, false, 1), put(eve, true, 1), put(ada, true, 1), put(ada, true, 1), put(ada, true, 1)
	if err := s.Mem.Delete(t.Context(), headless+"/head"); err != nil {
		t.Fatal(err)
	}
	head, _ := s.Object(damaged + "/head")
	s.Set(damaged+"/head", head[1:])
	heads := archive.HeadDir(t.TempDir())
	o := archive.Options{Verifiers: ada.verifiers, Heads: heads}
	r, err := archive.Open(t.Context(), s, rolled, o)
	if err != nil {
		t.Fatal(err)
	}
	seen, more := r.Head(), r.Head()
	more.Size++
	if ok, err := heads.Replace(&seen, more); err != nil || !ok {
		t.Fatal(ok, err)
	}

	for name, store := range map[string]archive.Store{"plain": s, "retried": archive.Retry(s, archive.RetryConfig{})} {
		all, err := archive.Survey(t.Context(), store, o)
		if err != nil || len(all) != 7 {
			t.Fatalf("%s: %+v, %v", name, all, err)
		}
		for i, id := range []string{older, newer} {
			if r := all[i]; r.ID != id || r.Err != nil || r.Stored != s.times[id] || r.Head.State != archive.StateClosed {
				t.Errorf("%s: recording %d: %+v", name, i, r)
			}
		}
		var corrupt *archive.CorruptError
		var back *archive.RollbackError
		for _, r := range all[2:] {
			switch {
			case r.ID == open && errors.Is(r.Err, archive.ErrNotOver):
			case r.ID == foreign && errors.Is(r.Err, archive.ErrForeignSigner):
			case r.ID == headless && errors.Is(r.Err, fs.ErrNotExist):
			case r.ID == damaged && errors.As(r.Err, &corrupt):
			case r.ID == rolled && errors.As(r.Err, &back):
			default:
				t.Errorf("%s: %+v", name, r)
			}
		}
	}

	// None of those is removed, whoever asks.
	for _, id := range []string{open, foreign, headless, damaged, rolled, "../x"} {
		if err := archive.Remove(t.Context(), s, id, o); err == nil {
			t.Errorf("removed %s", id)
		}
	}
	if len(s.deleted) > 0 {
		t.Errorf("deleted %q", s.deleted)
	}
	delete(s.times, older)
	if all, err := archive.Survey(t.Context(), s, o); err == nil {
		t.Errorf("without a time a recording is as old as can be: %+v", all)
	}
}

// What opens a recording goes first and what makes it one goes last, and after
// an end anywhere between, another Remove finishes.
func TestRemoveOrder(t *testing.T) {
	ada := newSigner(t, "ada")
	id, objects := record(t, ada, true, 3, hybrid(t).Recipient(), classic(t).Recipient())
	_, others := record(t, ada, true, 1, hybrid(t).Recipient())
	o := archive.Options{Verifiers: ada.verifiers}
	kinds := []string{"shares/", "epochs/", "segments/", "index/", "log/", "head"}
	objects["shares/"+archive.NewID()+".age"] = "share"
	for fail := range len(objects) + 1 {
		s := &datedStore{Mem: &storetest.Mem{}, fail: fail}
		fill(t, s, id, objects)
		other := archive.NewID()
		fill(t, s, other, others)
		err := archive.Remove(t.Context(), s, id, o)
		if fail > 0 && fail < len(objects) {
			if !errors.Is(err, errPulled) {
				t.Fatalf("after %d: %v", fail, err)
			}
			if _, ok := s.Object(id + "/head"); !ok {
				t.Fatalf("after %d the head is gone, and the rest is not", fail)
			}
			s.fail = 0
			err = archive.Remove(t.Context(), s, id, o)
		}
		if err != nil {
			t.Fatalf("after %d: %v", fail, err)
		}
		last := 0
		for _, name := range s.deleted {
			kind := last
			for !strings.HasPrefix(name, id+"/"+kinds[kind]) {
				if kind++; kind == len(kinds) {
					t.Fatalf("after %d: %s was deleted after %s", fail, name, kinds[last])
				}
			}
			last = kind
		}
		if len(s.deleted) != len(objects) {
			t.Errorf("after %d: %d objects were deleted of %d", fail, len(s.deleted), len(objects))
		}
		left := 0
		for info := range s.List(t.Context(), "") {
			if !strings.HasPrefix(info.Name, other+"/") {
				t.Errorf("after %d: %s is left", fail, info.Name)
			}
			left++
		}
		if left != len(others) {
			t.Errorf("after %d: the other recording has %d objects, not %d", fail, left, len(others))
		}
	}
}

// A holdingStore retains what begins with a prefix.
type holdingStore struct {
	*storetest.Mem
	hold   string
	purged []string
}

func (s *holdingStore) Purge(ctx context.Context, prefix string) error {
	_, kind, _ := strings.Cut(prefix, "/")
	s.purged = append(s.purged, kind)
	for info := range s.List(ctx, prefix) {
		if strings.Contains(info.Name, s.hold) {
			return &archive.RetainedError{Object: info.Name, Objects: 1}
		}
		if err := s.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return nil
}

// What a store retains is no failure to try again, and ends the removal.
func TestRemoveRetained(t *testing.T) {
	ada := newSigner(t, "ada")
	id, objects := record(t, ada, true, 1, hybrid(t).Recipient())
	s := &holdingStore{Mem: &storetest.Mem{}, hold: "/segments/"}
	fill(t, s, id, objects)
	retry := archive.Retry(s, archive.RetryConfig{OnRetry: func(string, error, time.Duration) { t.Error("tried again") }})
	o := archive.Options{Verifiers: ada.verifiers}
	var retained *archive.RetainedError
	if err := archive.Remove(t.Context(), retry, id, o); !errors.As(err, &retained) || retained.Object != id+"/segments/000000.age" {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(s.purged, " "); got != "shares/ attachments/ epochs/ segments/" {
		t.Errorf("purged %s", got)
	}
	s.hold = "nothing"
	if err := archive.Remove(t.Context(), retry, id, o); err != nil {
		t.Error(err)
	}
	for info := range s.List(t.Context(), "") {
		t.Errorf("%s is left", info.Name)
	}
}

// A recording that was made in the very folder that is the store, and so has a
// Writer's notes beside objects, goes with them, and so does what killed Puts left:
// it can hold an epoch's secret. Anything else stays.
func TestRemoveWrittenThere(t *testing.T) {
	for _, other := range []string{"", ".notes", ".tmp-1", "epochs/.tmp-1", "segments/.tmp-1", "shares/.tmp-1", "a.txt"} {
		folder, s := t.TempDir(), newSigner(t, "ada")
		w := create(t, folder, archive.Config{Signer: s}, hybrid(t).Recipient())
		commit(t, begin(t, w, archive.Segment, []byte("content")))
		closeWriter(t, w)
		h, err := archive.HoldSpooled(folder, w.ID())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Keep(); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if other != "" {
			path := filepath.Join(folder, w.ID(), other)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Remove(t.Context(), openDir(t, folder), w.ID(), archive.Options{Verifiers: s.verifiers}); err != nil {
			t.Fatal(err)
		}
		left := files(t, folder)
		_, kept := left[w.ID()+"/"+other]
		if other == "a.txt" || strings.Contains(other, ".tmp-") { // an object of some kind
			other = ""
		}
		if _, err := os.Stat(filepath.Join(folder, w.ID())); (other != "") != (err == nil) || (other != "") != kept {
			t.Errorf("with %q beside it: %d files are left, %v", other, len(left), err)
		}
	}
}
