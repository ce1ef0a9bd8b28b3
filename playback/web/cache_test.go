package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback/tape"
)

// reads returns how often each segment was read since the recording was opened.
func (r *fakeRecording) readsOf(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads[n]
}

func (r *fakeRecording) onRead(f func(ctx context.Context, n int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = f
	clear(r.reads)
}

// opened serves a recording that is open already.
func opened(t testing.TB, r *fakeRecording, cacheBytes int64) *Server {
	t.Helper()
	s := serveLibrary(t, &fakeLibrary{recordings: map[string]*fakeRecording{testID: r}}, cacheBytes)
	if w := request(t.Context(), s, base); w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	r.onRead(nil)
	return s
}

// TestSingleFlight: however many ask for a segment at once, it is read once.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 4)
		s := opened(t, r, 0)
		proceed := make(chan struct{})
		r.onRead(func(ctx context.Context, n int) error { <-proceed; return nil })
		var wg sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = request(t.Context(), s, base+"/segments/0") })
		}
		synctest.Wait()
		close(proceed)
		wg.Wait()
		synctest.Wait()
		for _, w := range answers {
			if w.Code != 200 || w.Body.Len() == 0 || w.Body.String() != answers[0].Body.String() {
				t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
			}
		}
		for n := range 4 {
			if got := r.readsOf(n); got != 1 {
				t.Errorf("segment %d was read %d times", n, got)
			}
		}
		s.Close()
	})
}

// TestReadAhead: the three segments after one that is asked for are read, no
// more; a seek elsewhere stops that.
func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 40)
		s := opened(t, r, 0)
		if w := request(t.Context(), s, base+"/segments/5"); w.Code != 200 {
			t.Fatalf("status %d", w.Code)
		}
		synctest.Wait()
		for n := range 40 {
			want := 0
			if n >= 5 && n <= 8 {
				want = 1
			}
			if got := r.readsOf(n); got != want {
				t.Errorf("segment %d was read %d times, want %d", n, got, want)
			}
		}
		// A store that hangs while segment 20 and the next one are read.
		var mu sync.Mutex
		var given []int
		r.onRead(func(ctx context.Context, n int) error {
			if n < 30 {
				<-ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				given = append(given, n)
			}
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { request(ctx, s, base+"/segments/20") })
		synctest.Wait()
		cancel()
		wg.Wait()
		if w := request(t.Context(), s, base+"/segments/30"); w.Code != 200 {
			t.Fatalf("after a seek: status %d", w.Code)
		}
		synctest.Wait()
		mu.Lock()
		slices.Sort(given)
		if want := []int{20, 21}; !slices.Equal(given, want) {
			t.Errorf("reads that were given up: %d, want %d", given, want)
		}
		mu.Unlock()
		s.Close()
	})
}

// TestPrepare: what is shown first is there before the page asks, and read once.
func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for at, first := range map[time.Duration]int{0: 0, 12 * time.Second: 2, 26 * time.Second: 5, time.Hour: -1} {
			r := meeting(t, 6)
			l := &fakeLibrary{recordings: map[string]*fakeRecording{testID: r}}
			s := serveLibrary(t, l, 0)
			s.Prepare(at)
			synctest.Wait()
			opening := make(map[int]int) // this source has no index
			for n := range 6 {
				opening[n] = 1
			}
			if first >= 0 {
				opening[first]++
			}
			if !maps.Equal(r.reads, opening) {
				t.Errorf("%v: reads %v, want %v", at, r.reads, opening)
			}
			if first >= 0 {
				if w := request(t.Context(), s, fmt.Sprintf("%s/segments/%d", base, first)); w.Code != 200 || r.readsOf(first) != 2 {
					t.Errorf("%v: status %d, %d reads", at, w.Code, r.readsOf(first))
				}
			}
			if l.opened != 1 {
				t.Errorf("%d opened", l.opened)
			}
			s.Close()
			s.Prepare(at)
		}
	})
}

// TestCancel: a segment that nobody waits for any more is not read to its end,
// and whoever asks again gets it.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 1)
		s := opened(t, r, 0)
		var hang atomic.Bool
		hang.Store(true)
		r.onRead(func(ctx context.Context, n int) error {
			if hang.Load() {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		key := cacheKey{s.shelf[0], 0}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := s.cache.get(ctx, key); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		hang.Store(false)
		e, err := s.cache.get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		s.cache.release(e)
		synctest.Wait()
		if s.cache.used != e.size || r.readsOf(0) != 2 {
			t.Errorf("%d bytes counted, one segment of %d; %d reads", s.cache.used, e.size, r.readsOf(0))
		}
		s.Close()
	})
}

// TestBound: many segments asked for at once never take more memory than they
// may, and all come.
func TestBound(t *testing.T) {
	const segments = 60
	r := meeting(t, segments)
	one := int64(len(r.segments[0])) + 400*frameOverhead
	s := opened(t, r, 5*one)
	var wg sync.WaitGroup
	for n := range segments {
		wg.Go(func() {
			if w := request(t.Context(), s, fmt.Sprintf("%s/segments/%d", base, n)); w.Code != 200 || len(readParts(t, w.Body)) != 2 {
				t.Errorf("segment %d: status %d", n, w.Code)
			}
		})
	}
	wg.Wait()
	s.Close()
	if s.cache.peak > 5*one || s.cache.peak < one {
		t.Errorf("%d bytes at the most, may be %d", s.cache.peak, 5*one)
	}
	var held int64
	for _, e := range s.cache.entries {
		held += e.size
	}
	if held != s.cache.used {
		t.Errorf("%d bytes counted, %d held", s.cache.used, held)
	}
}

// TestLarge: a segment larger than all that may be held comes nevertheless.
func TestLarge(t *testing.T) {
	s := opened(t, meeting(t, 3), 1000)
	for n := range 3 {
		if w := request(t.Context(), s, fmt.Sprintf("%s/segments/%d", base, n)); w.Code != 200 {
			t.Errorf("segment %d: status %d", n, w.Code)
		}
	}
}

// TestEvict: what has not been used for longest goes first.
func TestEvict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 8)
		one := int64(len(r.segments[0])) + 400*frameOverhead
		s := opened(t, r, 3*one)
		open := s.shelf[0]
		use := func(n int) {
			t.Helper()
			e, err := s.cache.get(t.Context(), cacheKey{open, n})
			if err != nil {
				t.Fatal(err)
			}
			s.cache.release(e)
		}
		for _, n := range []int{0, 1, 2, 0, 3, 0, 4, 0} {
			use(n)
		}
		if r.readsOf(0) != 1 {
			t.Errorf("segment 0 was read %d times", r.readsOf(0))
		}
		use(1)
		if r.readsOf(1) != 2 {
			t.Errorf("segment 1 was read %d times", r.readsOf(1))
		}
		s.Close()
	})
}

// TestClose: what waits gets an answer, and nothing goes on.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := meeting(t, 4)
		s := opened(t, r, 0)
		r.onRead(func(ctx context.Context, n int) error { <-ctx.Done(); return ctx.Err() })
		var wg sync.WaitGroup
		for _, path := range []string{base + "/segments/0", base + "?wait=1.1"} {
			wg.Go(func() { request(t.Context(), s, path) })
		}
		synctest.Wait()
		s.Close()
		wg.Wait()
		if w := request(t.Context(), s, base+"/segments/0"); w.Code != 503 {
			t.Errorf("afterwards: status %d", w.Code)
		}
		if _, err := s.cache.get(t.Context(), cacheKey{s.shelf[0], 0}); err == nil {
			t.Error("a closed cache reads")
		}
	})
}

// TestShelf: a few recordings stay open, and what is held of others goes.
func TestShelf(t *testing.T) {
	l := &fakeLibrary{recordings: make(map[string]*fakeRecording)}
	s := serveLibrary(t, l, 0)
	ids := []string{"A", "B", "C", "D"}
	for _, id := range ids {
		l.recordings[id] = &fakeRecording{mu: new(sync.Mutex), reads: make(map[int]int), log: tape.Description{State: "closed"}}
	}
	for _, id := range append(ids, "D", "C", "B") {
		if w := request(t.Context(), s, "api/recordings/"+id); w.Code != 200 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if l.opened != 4 || len(s.shelf) != maxOpen {
		t.Errorf("%d opened, %d kept", l.opened, len(s.shelf))
	}
	request(t.Context(), s, "api/recordings/A")
	if l.opened != 5 {
		t.Errorf("%d opened", l.opened)
	}
	// One that could not be opened is tried again.
	for range 2 {
		if w := request(t.Context(), s, "api/recordings/E"); w.Code != 404 {
			t.Errorf("status %d", w.Code)
		}
	}
	if l.opened != 7 {
		t.Errorf("%d opened", l.opened)
	}
}
