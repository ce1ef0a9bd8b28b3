package bot

import (
	"context"
	"time"
)

const (
	storePatience = 2 * time.Minute // a store that is away for so long is spoken of in the room
	tellTime      = 5 * time.Second // for telling the room something
)

// A storeWatch speaks up in the room when the store is away for long, and when
// it is back: members should know where their recording is. The recording goes
// on in the spool all the while.
type storeWatch struct {
	failed func() bool // the store does not take the recording now
	tell   func(text string)

	since time.Time // since when; zero while the store works
	told  bool
}

// look is called every now and then.
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

// watchStore looks once a second until ctx ends.
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
