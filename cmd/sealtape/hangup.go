package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sealtape/sealtape/internal/workers"
)

// hangUps returns a channel that each SIGHUP comes by, until g ends.
func hangUps(g *workers.Group) <-chan os.Signal {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	g.Ends(func() error { signal.Stop(hup); return nil })
	return hup
}

// atHangUp starts a worker in g that calls do at each SIGHUP, one call at a time.
func atHangUp(ctx context.Context, g *workers.Group, do func()) {
	hup := hangUps(g)
	g.Start(ctx, func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				do()
			}
		}
	})
}
