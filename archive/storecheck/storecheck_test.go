package storecheck_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storecheck"
	"github.com/sealtape/sealtape/archive/storetest"
)

// openDir opens a folder as a store.
func openDir(t *testing.T, path string) *dir.Store {
	t.Helper()
	s, err := dir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func verdicts(t *testing.T, s archive.Store) map[string]storecheck.Check {
	t.Helper()
	checks, err := storecheck.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(checks) != 8 {
		t.Fatalf("%d checks: %+v", len(checks), checks)
	}
	by := make(map[string]storecheck.Check)
	for _, c := range checks {
		by[c.Name] = c
		if (c.Verdict == storecheck.Passed) != (c.Err == nil) || (c.Verdict == storecheck.Failed || c.Verdict == storecheck.Limited) != (c.Remedy != "") {
			t.Errorf("%+v", c)
		}
	}
	return by
}

func TestProbeGood(t *testing.T) {
	folder := t.TempDir()
	for name, s := range map[string]archive.Store{"mem": new(storetest.Mem), "dir": openDir(t, folder)} {
		t.Run(name, func(t *testing.T) {
			for _, c := range verdicts(t, s) {
				if c.Verdict != storecheck.Passed {
					t.Errorf("%s: %v", c.Name, c.Err)
				}
			}
			for info := range s.List(t.Context(), "") {
				t.Errorf("left behind: %s", info.Name)
			}
			for id := range archive.IDs(t.Context(), s) {
				t.Errorf("taken for a recording: %s", id)
			}
		})
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("left in the folder: %v, %v", files, err)
	}
}

// A faulty store does to each call what a function says.
type faulty struct {
	archive.Store
	put    func(ctx context.Context, s archive.Store, name string, b archive.Blob) error
	get    func(ctx context.Context, s archive.Store, name string, off, n int64) (io.ReadCloser, error)
	list   func(yield func(archive.Info, error) bool)
	delete func(s archive.Store, name string) error
	limits archive.Limits
}

func (f *faulty) Limits() archive.Limits { return f.limits }

func (f *faulty) Put(ctx context.Context, name string, b archive.Blob) error {
	if f.put != nil {
		return f.put(ctx, f.Store, name, b)
	}
	return f.Store.Put(ctx, name, b)
}

func (f *faulty) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if f.get != nil {
		return f.get(ctx, f.Store, name, off, n)
	}
	return f.Store.Get(ctx, name, off, n)
}

func (f *faulty) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	if f.list != nil {
		return f.list
	}
	return f.Store.List(ctx, prefix)
}

func (f *faulty) Delete(ctx context.Context, name string) error {
	if f.delete != nil {
		return f.delete(f.Store, name)
	}
	return f.Store.Delete(ctx, name)
}

// overwrite puts b over whatever is there.
func overwrite(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
	b.Replace = true
	return s.Put(ctx, name, b)
}

func TestProbeFaults(t *testing.T) {
	fault := errors.New("fault")
	type put = func(context.Context, archive.Store, string, archive.Blob) error
	for _, tt := range []struct {
		name    string
		store   faulty
		failed  string // checks, in their order
		limited string
		unknown string
		says    string // by the first that failed
		remedy  string // for it
		stays   bool   // nothing can remove what was put
	}{
		{name: "read-only",
			store:  faulty{put: func(context.Context, archive.Store, string, archive.Blob) error { return archive.ErrDenied }},
			failed: "put", unknown: "get ranges list put-if-absent replace checksums delete", says: "access denied"},
		{name: "refuses what is asked",
			store:  faulty{put: func(context.Context, archive.Store, string, archive.Blob) error { return archive.ErrRefused }},
			failed: "put", unknown: "get ranges list put-if-absent replace checksums delete", says: "refused by the store", remedy: "object lock"},
		{name: "write-only",
			store: faulty{get: func(context.Context, archive.Store, string, int64, int64) (io.ReadCloser, error) {
				return nil, archive.ErrDenied
			}},
			failed: "get delete", unknown: "ranges put-if-absent replace checksums", says: "access denied"},
		{name: "flips a bit of what it gives",
			store: faulty{Store: &storetest.Mem{OnGet: func(_ string, data []byte) ([]byte, error) {
				if len(data) > 0 {
					data[len(data)/2] ^= 1
				}
				return data, nil
			}}},
			failed: "get", unknown: "ranges put-if-absent replace checksums", says: "byte 2500 of 5000 differs"},
		{name: "gives short answers",
			store: faulty{Store: &storetest.Mem{OnGet: func(_ string, data []byte) ([]byte, error) {
				return data[:len(data)*9/10], nil
			}}},
			failed: "get", unknown: "ranges put-if-absent replace checksums", says: "4500 bytes instead of 5000"},
		{name: "makes up objects",
			store: faulty{get: func(ctx context.Context, s archive.Store, name string, off, n int64) (io.ReadCloser, error) {
				r, err := s.Get(ctx, name, off, n)
				if err != nil {
					return io.NopCloser(strings.NewReader("<html>404</html>")), nil
				}
				return r, nil
			}},
			failed: "get delete", unknown: "ranges put-if-absent replace checksums", says: "never put"},
		{name: "ignores ranges",
			store: faulty{get: func(ctx context.Context, s archive.Store, name string, _, _ int64) (io.ReadCloser, error) {
				return s.Get(ctx, name, 0, -1)
			}},
			failed: "ranges", says: "reading 1 bytes at 0: 5000 bytes instead of 1"},
		{name: "ignores put-if-absent", store: faulty{put: overwrite},
			failed: "put-if-absent", says: "ignores put-if-absent: a second put under a name overwrote the first"},
		{name: "calls a refused put a success",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				if err := s.Put(ctx, name, b); !errors.Is(err, archive.ErrConflict) {
					return err
				}
				return nil
			}},
			failed: "put-if-absent", says: "called a success"},
		{name: "does not know put-if-absent",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				if err := s.Put(ctx, name, b); !errors.Is(err, archive.ErrConflict) {
					return err
				}
				return fault
			}},
			failed: "put-if-absent", says: "not as a conflict: fault"},
		{name: "refuses the same again",
			store: faulty{put: func() put {
				seen := make(map[string]bool)
				return func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
					if seen[name] && !b.Replace {
						return archive.ErrConflict
					}
					seen[name] = true
					return s.Put(ctx, name, b)
				}
			}()},
			failed: "put-if-absent", says: "once more is refused"},
		{name: "never replaces",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				b.Replace = false
				return s.Put(ctx, name, b)
			}},
			failed: "replace", says: "other content"},
		{name: "appends instead of replacing",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				if !b.Replace {
					return s.Put(ctx, name, b)
				}
				old, err := s.Get(ctx, name, 0, -1)
				if err != nil {
					return s.Put(ctx, name, b)
				}
				r, err := b.OpenChecked()
				if err != nil {
					return err
				}
				all, err := io.ReadAll(io.MultiReader(r, old))
				if err != nil {
					return err
				}
				return overwrite(ctx, s, name, archive.BytesBlob(all))
			}},
			failed: "replace", says: "10000 bytes instead of 5000"},
		{name: "checks no hashes",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				r, err := b.Open()
				if err != nil {
					return err
				}
				data, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				unchecked := archive.BytesBlob(data)
				unchecked.Replace = b.Replace
				return s.Put(ctx, name, unchecked)
			}},
			failed: "checksums", says: "another SHA-256"},
		{name: "loses what it refuses to take",
			store: faulty{put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				if err := s.Put(ctx, name, b); !errors.Is(err, archive.ErrMismatch) {
					return err
				}
				return nil
			}},
			failed: "checksums", says: "did not"},
		{name: "may not list",
			store: faulty{list: func(yield func(archive.Info, error) bool) {
				yield(archive.Info{}, archive.ErrDenied)
			}},
			failed: "list", says: "access denied"},
		{name: "lists nothing", store: faulty{list: func(func(archive.Info, error) bool) {}},
			failed: "list", says: "is not listed"},
		{name: "lists what is not there",
			store: faulty{list: func(yield func(archive.Info, error) bool) {
				yield(archive.Info{Name: "x"}, nil)
			}},
			failed: "list delete", says: "that are not there", stays: false},
		{name: "may not delete",
			store:   faulty{delete: func(archive.Store, string) error { return archive.ErrDenied }},
			limited: "delete", says: "access denied", stays: true},
		{name: "cannot refuse a taken name",
			store:   faulty{limits: archive.Limits{Unguarded: true}},
			limited: "put-if-absent", says: "leaves a moment in between"},
		{name: "keeps no checksums",
			store:   faulty{limits: archive.Limits{Unchecked: true}},
			limited: "checksums", says: "reading it back"},
		{name: "does not delete", store: faulty{delete: func(archive.Store, string) error { return nil }},
			failed: "delete", says: "still there", stays: true},
		{name: "fails to delete what is not there",
			store: faulty{delete: func(s archive.Store, name string) error {
				r, err := s.Get(context.Background(), name, 0, -1)
				if err != nil {
					return err
				}
				return errors.Join(r.Close(), s.Delete(context.Background(), name))
			}},
			failed: "delete", says: "what is not there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.store
			mem, ok := s.Store.(*storetest.Mem)
			if !ok {
				mem = new(storetest.Mem)
				s.Store = mem
			}
			failed, limited, unknown, says := []string{}, []string{}, []string{}, ""
			checks := verdicts(t, &s)
			for _, name := range []string{"put", "get", "ranges", "list", "put-if-absent", "replace", "checksums", "delete"} {
				switch c := checks[name]; c.Verdict {
				case storecheck.Failed:
					if failed = append(failed, name); says == "" {
						says = c.Err.Error()
					}
				case storecheck.Limited:
					if limited = append(limited, name); says == "" {
						says = c.Err.Error()
					}
				case storecheck.Unknown:
					unknown = append(unknown, name)
				}
			}
			if got := strings.Join(limited, " "); got != tt.limited {
				t.Errorf("limited: %s, want %s", got, tt.limited)
			}
			if got := strings.Join(failed, " "); got != tt.failed {
				t.Errorf("failed: %s, want %s", got, tt.failed)
			}
			if got := strings.Join(unknown, " "); got != tt.unknown {
				t.Errorf("unknown: %s, want %s", got, tt.unknown)
			}
			if !strings.Contains(says, tt.says) {
				t.Errorf("says %q, want %q", says, tt.says)
			}
			if tt.remedy != "" && !strings.Contains(checks[strings.Fields(tt.failed)[0]].Remedy, tt.remedy) {
				t.Errorf("the remedy is %q", checks[tt.failed].Remedy)
			}
			left := 0
			for range mem.List(t.Context(), "") {
				left++
			}
			if (left > 0) != tt.stays {
				t.Errorf("%d objects stay", left)
			}
			if tt.stays && !strings.Contains(checks["delete"].Remedy, "probe-") {
				t.Errorf("does not say what stays: %q", checks["delete"].Remedy)
			}
		})
	}
}

// A store that looks first and puts then honours put-if-absent for one writer
// and not for two.
func TestProbeRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faulty{Store: new(storetest.Mem), put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
			if r, err := s.Get(ctx, name, 0, -1); err == nil {
				if err := r.Close(); err != nil {
					return err
				}
				return s.Put(ctx, name, b)
			}
			time.Sleep(time.Second)
			return overwrite(ctx, s, name, b)
		}}
		c := verdicts(t, s)["put-if-absent"]
		if c.Verdict != storecheck.Failed || !strings.Contains(c.Err.Error(), "at once, 4 succeeded") {
			t.Errorf("%+v", c)
		}
	})
}

// When the context ends, the rest is not known, and nothing stays.
func TestProbeCancelled(t *testing.T) {
	for _, after := range []string{"put", "race", "replaced", "wrong-0"} {
		t.Run(after, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			mem := new(storetest.Mem)
			s := &faulty{Store: mem, put: func(ctx context.Context, s archive.Store, name string, b archive.Blob) error {
				err := s.Put(ctx, name, b)
				if after == "put" || strings.HasSuffix(name, "/"+after) {
					cancel()
				}
				return err
			}}
			checks, err := storecheck.Run(ctx, s)
			if !errors.Is(err, context.Canceled) || len(checks) != 8 || checks[7].Verdict != storecheck.Unknown {
				t.Errorf("%+v, %v", checks, err)
			}
			for info := range mem.List(t.Context(), "") {
				t.Errorf("left behind: %s", info.Name)
			}
		})
	}
}

// A folder that was removed.
func TestProbeNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := openDir(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if c := verdicts(t, s)["put"]; c.Verdict != storecheck.Failed {
		t.Errorf("%+v", c)
	}
}
