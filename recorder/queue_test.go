package recorder

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Frames that nobody takes wait at their tracks, however few they are.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var taken atomic.Int64
		for range 2 {
			go func() {
				for range 10 {
					if q.reserve(maxQueueBytes / 8) {
						taken.Add(1)
					}
				}
			}()
		}
		for _, tt := range []struct {
			gone  int
			taken int64
		}{{0, 8}, {1, 9}, {8, 17}, {7, 20}, {4, 20}} {
			for range tt.gone {
				q.free(maxQueueBytes / 8)
			}
			synctest.Wait()
			if taken.Load() != tt.taken || q.bytes > maxQueueBytes {
				t.Errorf("%d frames were taken, %d bytes wait, want %d", taken.Load(), q.bytes, tt.taken)
			}
		}
		if q.bytes != 0 {
			t.Fatalf("%d bytes are left of none", q.bytes)
		}
		// One that has no room anywhere is taken all the same, by itself.
		if !q.reserve(2 * maxQueueBytes) {
			t.Error("a large frame is refused")
		}
		refused := make(chan bool, 1)
		go func() { refused <- !q.reserve(1) }()
		synctest.Wait()
		q.abandon()
		if !<-refused || q.bytes != 2*maxQueueBytes {
			t.Errorf("at the end a frame was not refused, or %d bytes are left", q.bytes)
		}
	})
}
