package playback

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A farSource answers after a round trip.
type farSource struct {
	*memLedger
	away         time.Duration
	open, widest *atomic.Int32
}

func (s farSource) wait() func() {
	n := s.open.Add(1)
	for w := s.widest.Load(); n > w && !s.widest.CompareAndSwap(w, n); w = s.widest.Load() {
	}
	time.Sleep(s.away)
	return func() { s.open.Add(-1) }
}

func (s farSource) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	defer s.wait()()
	return s.memLedger.ReadSegment(ctx, n)
}

func (s farSource) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	defer s.wait()()
	return s.memLedger.ReadIndex(ctx, n)
}

// TestFarAway: round trips are taken side by side, and never too many at once.
func TestFarAway(t *testing.T) {
	const trip = 50 * time.Millisecond
	indexes := indexed(t, longMeeting(t), 1)
	bare := &memLedger{memSource: indexes.memSource}
	play := func(ctx context.Context, s *Session) error {
		for _, err := range s.Frames(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	for name, tt := range map[string]struct {
		source *memLedger
		frames bool
		trips  time.Duration // of 12 segments or indexes
		widest int32
	}{
		"indexes":  {indexes, false, 2, indexesAtOnce},
		"segments": {bare, false, 3, segmentsAtOnce},
		"frames":   {indexes, true, 4, framesAhead},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := farSource{tt.source, trip, new(atomic.Int32), new(atomic.Int32)}
				begin := time.Now()
				s, err := Open(t.Context(), src, Options{})
				if tt.frames && err == nil {
					begin = time.Now()
					src.widest.Store(0)
					err = play(t.Context(), s)
				}
				// The clock is synctest's: it runs only while all wait.
				if took := time.Since(begin); err != nil || took > tt.trips*trip {
					t.Errorf("took %v, %v", took, err)
				}
				if n := src.widest.Load(); n != tt.widest {
					t.Errorf("%d at once, want %d", n, tt.widest)
				}
			})
		})
	}
}

// TestAhead: in order, each once, whenever the consumer stops.
func TestAhead(t *testing.T) {
	for _, width := range []int{1, 3} {
		for n := range 6 {
			for stop := range n + 1 {
				t.Run(fmt.Sprint(width, n, stop), func(t *testing.T) {
					var begun, running atomic.Int32
					next := 0
					for i, v := range ahead(t.Context(), n, width, func(ctx context.Context, i int) int {
						begun.Add(1)
						running.Add(1)
						defer running.Add(-1)
						return i * i
					}) {
						if i != next || v != i*i {
							t.Errorf("%d: %d, want that of %d", i, v, next)
						}
						if next++; next == stop {
							break
						}
					}
					if running.Load() != 0 {
						t.Error("work goes on")
					}
					want := n
					if stop > 0 {
						want = min(n, stop+width-1)
					}
					if int(begun.Load()) != want {
						t.Errorf("%d begun, want %d", begun.Load(), want)
					}
				})
			}
		}
	}
}

// TestManyLocked: a recording of ten thousand segments, most of them of others,
// opens in time that grows with it, and plays.
func TestManyLocked(t *testing.T) {
	src := &memSource{segments: make(map[int][]byte), errs: make(map[int]error)}
	for n := range 10000 {
		src.segments[n], src.errs[n] = nil, ErrLocked
	}
	for _, n := range []int{0, 5000} {
		at := time.Duration(n) * 5 * time.Second
		src.segments[n] = segment(t, n, []media.Track{alice}, []media.Frame{
			{Track: alice.UID, Time: at, Data: []byte{0xfc, 0xff, 0xfe}}, {Track: alice.UID, Time: at + 4980*time.Millisecond, Data: []byte{0xfc, 0xff, 0xfe}}})
		delete(src.errs, n)
	}
	s := open(t, src)
	if got := s.Segments(); len(got) != 10000 || got[4000].From != 20000*time.Second || got[9999].State != Locked {
		t.Errorf("%d segments, %+v", len(got), got[4000])
	}
	if m := s.Missing(); len(m) != 9998 || m[0].From != 5*time.Second || m[0].To != 25000*time.Second {
		t.Errorf("%d missing, %+v", len(m), m[0])
	}
	if got := frames(t, s); len(got) != 4 {
		t.Errorf("%d frames", len(got))
	}
}
