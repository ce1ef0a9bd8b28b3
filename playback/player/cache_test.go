package player_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
)

// TestSingleFlight: however many ask for a segment at once, it is read once.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 4)
		p := opened(t, r, 0, player.Patience{})
		proceed := make(chan struct{})
		r.OnRead(func(ctx context.Context, n int) error { <-proceed; return nil })
		var wg sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			wg.Go(func() { answers[i] = segment(t.Context(), p, 0) })
		}
		synctest.Wait()
		close(proceed)
		wg.Wait()
		synctest.Wait()
		for _, w := range answers {
			if w.err != nil || len(w.b) == 0 || !bytes.Equal(w.b, answers[0].b) {
				t.Errorf("%v, %d bytes", w.err, len(w.b))
			}
		}
		for n := range 4 {
			if got := r.Reads()[n]; got != 1 {
				t.Errorf("segment %d was read %d times", n, got)
			}
		}
		p.Close()
	})
}

// TestReadAhead: the three segments after one that is asked for are read, no
// more; a seek elsewhere stops that.
func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 40)
		p := opened(t, r, 0, player.Patience{})
		if w := segment(t.Context(), p, 5); w.err != nil {
			t.Fatalf("%v", w.err)
		}
		synctest.Wait()
		for n := range 40 {
			want := 0
			if n >= 5 && n <= 8 {
				want = 1
			}
			if got := r.Reads()[n]; got != want {
				t.Errorf("segment %d was read %d times, want %d", n, got, want)
			}
		}
		// A store that hangs while segment 20 and the next one are read.
		var mu sync.Mutex
		var given []int
		r.OnRead(func(ctx context.Context, n int) error {
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
		wg.Go(func() { segment(ctx, p, 20) })
		synctest.Wait()
		cancel()
		wg.Wait()
		if w := segment(t.Context(), p, 30); w.err != nil {
			t.Fatalf("after a seek: %v", w.err)
		}
		synctest.Wait()
		mu.Lock()
		slices.Sort(given)
		if want := []int{20, 21}; !slices.Equal(given, want) {
			t.Errorf("reads that were given up: %d, want %d", given, want)
		}
		mu.Unlock()
		p.Close()
	})
}

// TestPrepare: what is shown first is there before the page asks, and read once.
func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for at, first := range map[time.Duration]int{0: 0, 12 * time.Second: 2, 26 * time.Second: 5, time.Hour: -1} {
			r := playertest.Meeting(t, 6)
			l := playertest.Of(r)
			p := playertest.New(t, player.Config{Library: l})
			p.Prepare(id, at)
			synctest.Wait()
			opening := make(map[int]int) // this source has no index
			for n := range 6 {
				opening[n] = 1
			}
			if first >= 0 {
				opening[first]++
			}
			if !maps.Equal(r.Reads(), opening) {
				t.Errorf("%v: reads %v, want %v", at, r.Reads(), opening)
			}
			if first >= 0 {
				if w := segment(t.Context(), p, first); w.err != nil || r.Reads()[first] != 2 {
					t.Errorf("%v: %v, %d reads", at, w.err, r.Reads()[first])
				}
			}
			if l.Opened() != 1 {
				t.Errorf("%d opened", l.Opened())
			}
			p.Close()
			p.Prepare(id, at)
		}
	})
}

// TestCancel: a segment that nobody waits for any more is not read to its end,
// and whoever asks again gets it.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 1)
		p := opened(t, r, 0, player.Patience{})
		var hang atomic.Bool
		hang.Store(true)
		r.OnRead(func(ctx context.Context, n int) error {
			if hang.Load() {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := p.Get(ctx, 0); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		hang.Store(false)
		size, err := p.Get(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if used, _, _ := p.Held(); used != size || r.Reads()[0] != 2 {
			t.Errorf("%d bytes counted, one segment of %d; %d reads", used, size, r.Reads()[0])
		}
		p.Close()
	})
}

// TestBound: many segments asked for at once never take more memory than they
// may, and all come.
func TestBound(t *testing.T) {
	const segments = 60
	r := playertest.Meeting(t, segments)
	one := int64(len(r.Data[0])) + 400*player.FrameOverhead
	p := opened(t, r, 5*one, player.Patience{})
	var wg sync.WaitGroup
	for n := range segments {
		wg.Go(func() {
			if w := segment(t.Context(), p, n); w.err != nil || len(playertest.Parts(t, w.b)) != 2 {
				t.Errorf("segment %d: %v", n, w.err)
			}
		})
	}
	wg.Wait()
	p.Close()
	used, peak, held := p.Held()
	if peak > 5*one || peak < one {
		t.Errorf("%d bytes at the most, may be %d", peak, 5*one)
	}
	if held != used {
		t.Errorf("%d bytes counted, %d held", used, held)
	}
}

// TestLarge: a segment larger than all that may be held comes nevertheless.
func TestLarge(t *testing.T) {
	p := opened(t, playertest.Meeting(t, 3), 1000, player.Patience{})
	for n := range 3 {
		if w := segment(t.Context(), p, n); w.err != nil {
			t.Errorf("segment %d: %v", n, w.err)
		}
	}
}

// TestEvict: what has not been used for longest goes first.
func TestEvict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 8)
		one := int64(len(r.Data[0])) + 400*player.FrameOverhead
		p := opened(t, r, 3*one, player.Patience{})
		use := func(n int) {
			t.Helper()
			if _, err := p.Get(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{0, 1, 2, 0, 3, 0, 4, 0} {
			use(n)
		}
		if r.Reads()[0] != 1 {
			t.Errorf("segment 0 was read %d times", r.Reads()[0])
		}
		use(1)
		if r.Reads()[1] != 2 {
			t.Errorf("segment 1 was read %d times", r.Reads()[1])
		}
		p.Close()
	})
}

// TestClose: what waits gets an answer, and nothing goes on.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 4)
		p := opened(t, r, 0, player.Patience{})
		r.OnRead(func(ctx context.Context, n int) error { <-ctx.Done(); return ctx.Err() })
		var wg sync.WaitGroup
		wg.Go(func() {
			if w := segment(t.Context(), p, 0); w.err == nil {
				t.Error("it got a segment")
			}
		})
		wg.Go(func() {
			if _, err := p.DescribeLater(t.Context(), id, player.Known{Version: "1.1"}); err != nil {
				t.Errorf("what did not change: %v", err)
			}
		})
		synctest.Wait()
		p.Close()
		wg.Wait()
		if w := segment(t.Context(), p, 0); w.err == nil || player.KindOf(w.err) != player.Later {
			t.Errorf("afterwards: %v", w.err)
		}
		if _, err := p.Get(t.Context(), 0); err == nil {
			t.Error("a closed cache reads")
		}
	})
}

// TestShelf: a few recordings stay open, and what is held of others goes.
func TestShelf(t *testing.T) {
	l := &playertest.Library{ByID: make(map[string]*playertest.Recording)}
	p := playertest.New(t, player.Config{Library: l})
	ids := []string{"A", "B", "C", "D"}
	for _, id := range ids {
		l.ByID[id] = playertest.NewRecording(tape.Description{State: "closed"})
	}
	for _, id := range append(ids, "D", "C", "B") {
		if _, err := p.Describe(t.Context(), id, none); err != nil {
			t.Fatal(err)
		}
	}
	if l.Opened() != 4 || p.Shelf() != player.MaxOpen {
		t.Errorf("%d opened, %d kept", l.Opened(), p.Shelf())
	}
	if _, err := p.Describe(t.Context(), "A", none); err != nil || l.Opened() != 5 {
		t.Errorf("%v, %d opened", err, l.Opened())
	}
	// One that could not be opened is tried again.
	for range 2 {
		if _, err := p.Describe(t.Context(), "E", none); err == nil || player.KindOf(err) != player.Gone {
			t.Errorf("it got %v", err)
		}
	}
	if l.Opened() != 7 {
		t.Errorf("%d opened", l.Opened())
	}
}
