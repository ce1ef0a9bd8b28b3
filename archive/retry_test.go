package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

var errFault = errors.New("fault")

// Without faults the wrapper is the store.
func TestRetryStore(t *testing.T) {
	t.Parallel()
	storetest.Test(t, func(*testing.T) archive.Store {
		return archive.Retry(new(storetest.Mem), archive.RetryConfig{})
	})
}

// With every other Put failing, before or after it took effect, it still is.
func TestRetryFlakyStore(t *testing.T) {
	t.Parallel()
	storetest.Test(t, func(*testing.T) archive.Store {
		var n atomic.Int64
		return archive.Retry(&storetest.Mem{OnPut: func(string) (bool, error) {
			switch n.Add(1) % 4 {
			case 1:
				return false, errFault
			case 3:
				return true, errFault
			}
			return true, nil
		}}, archive.RetryConfig{Min: time.Nanosecond, Max: time.Nanosecond})
	})
}

// storeFunc is a Store whose List and Get are functions.
type storeFunc struct {
	archive.Store
	list func() iter.Seq2[archive.Info, error]
	get  func(off, n int64) (io.ReadCloser, error)
}

func (s storeFunc) List(context.Context, string) iter.Seq2[archive.Info, error] { return s.list() }

func (s storeFunc) Get(_ context.Context, _ string, off, n int64) (io.ReadCloser, error) {
	return s.get(off, n)
}

func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const failures = 12
		var calls int
		var waits []time.Duration
		s := archive.Retry(&storetest.Mem{OnPut: func(string) (bool, error) {
			calls++
			if calls <= failures {
				return false, errFault
			}
			return true, nil
		}}, archive.RetryConfig{OnRetry: func(name string, err error, wait time.Duration) {
			if name != "a" || err != errFault {
				t.Errorf("OnRetry(%q, %v)", name, err)
			}
			waits = append(waits, wait)
		}})
		start := time.Now()
		if err := s.Put(t.Context(), "a", archive.BytesBlob(nil)); err != nil {
			t.Fatal(err)
		}
		if calls != failures+1 || len(waits) != failures {
			t.Fatalf("%d calls and %d waits, want %d and %d", calls, len(waits), failures+1, failures)
		}
		var sum time.Duration
		limit := 200 * time.Millisecond
		for i, wait := range waits {
			if wait < limit/2 || wait > limit {
				t.Errorf("wait %d is %v, want between %v and %v", i, wait, limit/2, limit)
			}
			sum += wait
			limit = min(2*limit, 30*time.Second)
		}
		if got := time.Since(start); got != sum {
			t.Errorf("slept %v, announced %v", got, sum)
		}
	})
}

// The wait is not the same each time, or all recorders come back at once.
func TestRetryJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		s := archive.Retry(&storetest.Mem{OnPut: func(string) (bool, error) { return false, errFault }},
			archive.RetryConfig{Attempts: 20, Min: time.Minute, Max: time.Second, OnRetry: func(_ string, _ error, wait time.Duration) {
				if wait < 30*time.Second || wait > time.Minute {
					t.Errorf("waited %v, want at most Min, which is above Max", wait)
				}
				seen[wait] = true
			}})
		if err := s.Put(t.Context(), "a", archive.BytesBlob(nil)); !errors.Is(err, errFault) {
			t.Errorf("got %v", err)
		}
		if len(seen) < 10 {
			t.Errorf("19 waits took %d values", len(seen))
		}
	})
}

func TestRetryGivesUp(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	for _, tt := range []struct {
		err      error
		attempts int
		calls    int
	}{
		{errFault, 1, 1},
		{errFault, 4, 4},
		{timeout, 3, 3},
		{fmt.Errorf("i/o timeout: %w", context.DeadlineExceeded), 3, 3},
		{archive.ErrConflict, 4, 1},
		{archive.ErrMismatch, 0, 1},
		{archive.ErrSource, 0, 1},
		{archive.ErrNoStore, 0, 1},
		{archive.ErrDenied, 0, 1},
		{fs.ErrNotExist, 0, 1},
		{fs.ErrInvalid, 0, 1},
		{context.Canceled, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			wrapped := fmt.Errorf("could not: %w", tt.err)
			s := archive.Retry(&storetest.Mem{OnPut: func(string) (bool, error) {
				calls++
				return false, wrapped
			}}, archive.RetryConfig{Attempts: tt.attempts})
			err := s.Put(t.Context(), "a", archive.BytesBlob(nil))
			if !errors.Is(err, tt.err) {
				t.Errorf("%v: got %v", tt.err, err)
			}
			if calls != tt.calls {
				t.Errorf("%v, %d attempts: %d calls, want %d", tt.err, tt.attempts, calls, tt.calls)
			}
		})
	}
}

// A wait ends with the context, and says what it waited after.
func TestRetryContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := archive.Retry(&storetest.Mem{OnPut: func(string) (bool, error) { return false, errFault }}, archive.RetryConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		err := s.Put(ctx, "a", archive.BytesBlob(nil))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errFault) {
			t.Errorf("got %v, want the deadline and the fault", err)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("took %v, want an hour", got)
		}
	})
}

// A reader whose Gets break after a few bytes gives each byte once.
func TestRetryGet(t *testing.T) {
	content := make([]byte, 10_000)
	for i := range content {
		content[i] = byte(i >> 4)
	}
	for _, tt := range []struct{ off, n int64 }{{0, -1}, {0, 10_000}, {0, 20_000}, {7, -1}, {7, 5000}, {9_999, 1}, {10_000, -1}, {3, 0}} {
		for _, broken := range []io.Reader{
			iotest.ErrReader(errFault),
			iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(content))), // never reached its data
		} {
			synctest.Test(t, func(t *testing.T) {
				gets, failed := 0, false
				s := archive.Retry(storeFunc{get: func(off, n int64) (io.ReadCloser, error) {
					gets++
					if failed = !failed; failed {
						return nil, errFault
					}
					rest := bytes.NewReader(content[off:])
					if n < 0 {
						n = int64(len(content))
					}
					all := io.LimitReader(rest, n)
					if min(n, int64(rest.Len())) <= 999 {
						return io.NopCloser(all), nil
					}
					return io.NopCloser(io.MultiReader(io.LimitReader(all, 999), iotest.ErrReader(errFault), broken)), nil
				}}, archive.RetryConfig{Attempts: 3})
				r, err := s.Get(t.Context(), "a", tt.off, tt.n)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				want := content[tt.off:]
				if tt.n >= 0 && tt.n < int64(len(want)) {
					want = want[:tt.n]
				}
				if !bytes.Equal(got, want) {
					t.Errorf("Get(%d, %d): got %d bytes, want %d", tt.off, tt.n, len(got), len(want))
				}
				if len(want) > 2000 && gets < len(want)/999 {
					t.Errorf("%d gets: the fault was not met", gets)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// An error after the last byte asked for changes nothing.
func TestRetryGetLateError(t *testing.T) {
	gets := 0
	s := archive.Retry(storeFunc{get: func(off, n int64) (io.ReadCloser, error) {
		gets++
		return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, n)), iotest.ErrReader(errFault))), nil
	}}, archive.RetryConfig{})
	r, err := s.Get(t.Context(), "a", 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || len(got) != 5 || gets != 1 {
		t.Errorf("got %d bytes, %v, in %d gets; want 5 in one", len(got), err, gets)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// An object that vanishes while it is read ends the reader.
func TestRetryGetFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		s := archive.Retry(storeFunc{get: func(off, n int64) (io.ReadCloser, error) {
			if first {
				first = false
				return io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(make([]byte, 10))))), nil
			}
			return nil, fs.ErrNotExist
		}}, archive.RetryConfig{})
		r, err := s.Get(t.Context(), "a", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := io.ReadAll(r); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want fs.ErrNotExist", err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRetryList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const objects = 10
		calls := 0
		s := archive.Retry(storeFunc{list: func() iter.Seq2[archive.Info, error] {
			calls++
			upTo := calls // each listing gets one further
			return func(yield func(archive.Info, error) bool) {
				for i := range objects {
					if i == upTo {
						yield(archive.Info{}, errFault)
						return
					}
					if !yield(archive.Info{Name: fmt.Sprint(i), Size: int64(i)}, nil) {
						return
					}
				}
			}
		}}, archive.RetryConfig{Attempts: 2})
		n := 0
		for info, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if info.Name != fmt.Sprint(n) {
				t.Errorf("listed %s, want %d", info.Name, n)
			}
			n++
		}
		if n != objects || calls != objects {
			t.Errorf("listed %d objects in %d calls, want %d in %d", n, calls, objects, objects)
		}
	})
}

func TestRetryListGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := archive.Retry(storeFunc{list: func() iter.Seq2[archive.Info, error] {
			calls++
			return func(yield func(archive.Info, error) bool) {
				if yield(archive.Info{Name: "a"}, nil) {
					yield(archive.Info{}, errFault)
				}
			}
		}}, archive.RetryConfig{Attempts: 3})
		var names, faults int
		for _, err := range s.List(t.Context(), "") {
			switch {
			case errors.Is(err, errFault):
				faults++
			case err != nil:
				t.Error(err)
			default:
				names++
			}
		}
		if names != 1 || faults != 1 || calls != 3 {
			t.Errorf("%d names, %d faults, %d calls; want 1, 1, 3", names, faults, calls)
		}
	})
}

// What a store says of itself is asked of it through Retry.
func TestRetryLimits(t *testing.T) {
	weak := archive.Limits{Unguarded: true, Unchecked: true}
	if got := archive.Retry(limited{limits: weak}, archive.RetryConfig{}).Limits(); got != weak {
		t.Errorf("got %+v", got)
	}
}

type limited struct {
	archive.Store
	limits archive.Limits
}

func (s limited) Limits() archive.Limits { return s.limits }
