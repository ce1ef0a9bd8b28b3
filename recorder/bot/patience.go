package bot

import (
	"context"
	"sync"
	"time"
)

const (
	// signalPatience is how long a store may fail after somebody asked for the end.
	signalPatience = 4 * time.Second
	// storingPatience is how long then nothing may be stored, whatever the reason.
	storingPatience = 30 * time.Second
	// storingQuiet is how long then nothing need be said of that.
	storingQuiet = 2 * time.Second
)

// whileStored returns a context for bringing the rest to the stores. It goes on for
// as long as they may take it, but once ctx has ended, which is when somebody wants
// the end, only while they do: away tells that one fails, waiting how much is left.
// slow is called once if that takes more than a moment then. The caller calls stop, which
// waits for what watches.
func whileStored(ctx context.Context, away func() bool, waiting func() int, slow func(waiting int)) (storing context.Context, stop func()) {
	storing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-ctx.Done():
		case <-storing.Done():
			return
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		left := waiting()
		began, works := time.Now(), time.Now()
		quiet := time.After(storingQuiet)
		for {
			select {
			case <-storing.Done():
				return
			case <-quiet:
				slow(waiting())
			case now := <-tick.C:
				if n := waiting(); n != left {
					left, began = n, now
				}
				if !away() {
					works = now
				}
				if now.Sub(works) >= signalPatience || now.Sub(began) >= storingPatience {
					cancel()
				}
			}
		}
	})
	return storing, func() {
		cancel()
		watching.Wait()
	}
}
