package playback

import (
	"context"
	"iter"
	"sync"
)

// ahead calls work for 0 to n-1 and yields the results in that order. While the
// caller handles one result, up to width-1 later ones are worked on. When the
// iteration ends, the context of work is cancelled and all work has ended.
func ahead[T any](ctx context.Context, n, width int, work func(ctx context.Context, i int) T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		results := make([]chan T, width) // a ring
		begin := func(i int) {
			if i >= n {
				return
			}
			result := make(chan T, 1)
			results[i%width] = result
			running.Go(func() { result <- work(ctx, i) })
		}
		for i := range width - 1 {
			begin(i)
		}
		for i := range n {
			begin(i + width - 1)
			if !yield(i, <-results[i%width]) {
				return
			}
		}
	}
}
