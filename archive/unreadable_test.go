package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// One object that a store never gives is given up in seconds while it gives others.
// A store that gives nothing is waited for.
func TestRetryAlone(t *testing.T) {
	busy := errors.New("Resource requested is unreadable, please reduce your request rate")
	for _, tt := range []struct {
		name string
		away func(name string, n int) bool // at the nth call
		want error
	}{
		{"one object", func(name string, _ int) bool { return name == "r/b" }, archive.ErrUnreadable},
		{"all but one of another recording", func(name string, _ int) bool { return name != "s/x" }, archive.ErrUnreadable},
		{"everything for an hour", func(_ string, n int) bool { return time.Now().Minute() < 59 }, nil},
		{"one object for a moment", func(name string, n int) bool { return name == "r/b" && n < 5 }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			mem := new(storetest.Mem)
			for _, name := range []string{"r/a", "r/b", "r/c", "s/x"} {
				mem.Set(name, []byte("content"))
			}
			n := 0
			mem.OnGet = func(name string, data []byte) ([]byte, error) {
				n++
				if tt.away(name, n) {
					return nil, busy
				}
				return data, nil
			}
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			defer cancel()
			r, err := archive.Retry(mem, archive.RetryConfig{}).Get(ctx, "r/b", 0, -1)
			if !errors.Is(err, tt.want) || tt.want != nil && !errors.Is(err, busy) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
			if err == nil {
				r.Close()
			} else if took := time.Since(start); took > 7*time.Second {
				t.Errorf("%s: took %v", tt.name, took)
			}
		})
	}
}

// A file that breaks at one place is given up, too, and so is one that cannot be
// looked at.
func TestRetryAloneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := new(storetest.Mem)
		mem.Set("r/other", []byte("content"))
		s := archive.Retry(brokenStore{mem}, archive.RetryConfig{})
		r, err := s.Get(t.Context(), "r/broken", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if data, err := io.ReadAll(r); string(data) != "half" || !errors.Is(err, archive.ErrUnreadable) || !errors.Is(err, syscall.EIO) {
			t.Errorf("read %q, %v", data, err)
		}
		if _, err := s.Stat(t.Context(), "r/broken"); !errors.Is(err, archive.ErrUnreadable) {
			t.Errorf("looked at it: %v", err)
		}
	})
}

// A brokenStore has an object "r/broken" that cannot be read from its middle on.
type brokenStore struct{ archive.Store }

func (s brokenStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if name != "r/broken" {
		return s.Store.Get(ctx, name, off, n)
	}
	return io.NopCloser(io.MultiReader(strings.NewReader("half"[off:]), iotest.ErrReader(syscall.EIO))), nil
}

func (s brokenStore) Stat(ctx context.Context, name string) (archive.Info, error) {
	return archive.Info{}, syscall.EIO
}

// An object that one store never gives, whichever of a recording it is, keeps nobody:
// it is told as unreadable, copied around, and repaired from another store.
func TestUnreadable(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := record(t, s, true, 3, hybrid(t).Recipient())
	for name := range maps.Keys(good) {
		synctest.Test(t, func(t *testing.T) {
			bad, whole := &storetest.Mem{}, &storetest.Mem{}
			fill(t, bad, id, good)
			fill(t, whole, id, good)
			mended := false
			bad.OnPut = func(put string) (bool, error) { mended = mended || put == id+"/"+name; return true, nil }
			bad.OnGet = func(got string, data []byte) ([]byte, error) {
				if got == id+"/"+name && !mended {
					return nil, errors.New("503 SlowDownRead")
				}
				return data, nil
			}
			store := archive.Retry(bad, archive.RetryConfig{})
			o := archive.Options{Verifiers: s.verifiers}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // of the fake clock
			defer cancel()
			var kinds []string
			_, err := archive.Verify(ctx, store, id, o, func(p archive.Problem) { kinds = append(kinds, p.Kind) })
			want := []string{"unreadable"}
			if strings.HasPrefix(name, "log/") {
				want = []string{"bad-log"}
			}
			if err != nil || !slices.Equal(kinds, want) {
				t.Errorf("%s: verified %q, %v", name, kinds, err)
			}
			err = archive.NewCopier(&storetest.Mem{}, store, id).Copy(ctx)
			if corrupt, object := errors.As(err, new(*archive.CorruptError)), errors.As(err, new(*archive.BadObjectError)); !corrupt && !object {
				t.Errorf("%s: copied: %v", name, err)
			}
			var told []string
			if _, err := archive.RepairStores(ctx, []archive.Store{store, archive.Retry(whole, archive.RetryConfig{})}, id, archive.RepairOptions{Options: o, Report: func(r archive.Repair) {
				told = append(told, fmt.Sprint(r.Store, r.Name, r.Err))
			}}); err != nil || !slices.Equal(told, []string{fmt.Sprint(0, name, error(nil))}) {
				t.Errorf("%s: repaired %q, %v", name, told, err)
			}
			if r, err := archive.Verify(ctx, store, id, o, nil); err != nil || !r.OK() {
				t.Errorf("%s: after the repair: %+v, %v", name, r, err)
			}
		})
	}
}
