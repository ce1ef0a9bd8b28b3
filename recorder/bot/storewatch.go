package bot

import (
	"context"
	"time"
)

const (
	storePatience = 2 * time.Minute // the room is told if a store is away for longer
	tellTime      = 5 * time.Second // how long telling the room may take
)

// A storeWatch tells the room when a store is away for long, and when it is back:
// members should know where their recording is. Meanwhile the recording goes on in the
// spool.
type storeWatch struct {
	failed func() bool // a store does not take the recording now
	tell   func(text string)

	since time.Time // since when it does not; zero: all stores do
	told  bool      // the room was told so
}

// look checks the stores. It is called about once a second.
func (w *storeWatch) look(now time.Time) {
	switch {
	case !w.failed():
		w.since = time.Time{}
		if w.told {
			w.told = false
			w.tell(storeBack)
		}
	case w.since.IsZero():
		w.since = now
	case !w.told && now.Sub(w.since) >= storePatience:
		w.told = true
		w.tell(storeAway)
	}
}

// watchStore checks the stores once a second until ctx ends.
func (b *Bot) watchStore(ctx context.Context, room Room, u *uploads) {
	w := &storeWatch{failed: u.failed, tell: func(text string) {
		telling, cancel := context.WithTimeout(ctx, tellTime)
		defer cancel()
		if err := room.Tell(telling, text); err != nil && ctx.Err() == nil {
			b.log.Warn("the room could not be told about the store", "err", err)
		}
	}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			w.look(now)
		}
	}
}
