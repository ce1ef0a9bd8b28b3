package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// atHangUp starts a worker in g that calls do at each SIGHUP, one call at a time.
func atHangUp(ctx context.Context, g *workers.Group, do func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	g.Ends(func() error { signal.Stop(hup); return nil })
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

// policiesAgain starts a worker in g that has policies read again at each SIGHUP, and taken.
// Those that are wrong leave all as it was.
func policiesAgain(ctx context.Context, g *workers.Group, read func() (*fleet.Policies, error), take func(*fleet.Policies), log *slog.Logger) {
	atHangUp(ctx, g, func() {
		p, err := read()
		if err != nil {
			log.Error("the policies were not taken; they are what they were", "err", err)
			return
		}
		take(p)
		log.Info("the policies were read again", "policies", len(p.All()))
	})
}
