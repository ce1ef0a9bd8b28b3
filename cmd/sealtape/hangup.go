package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
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

// policyFolder is a folder of policies, and what is done with them.
type policyFolder struct {
	dir   string
	stamp fleet.Stamp   // of before it was read first
	every time.Duration // how often it is looked whether it has changed; 0: never
	read  func() (*fleet.Policies, error)
	take  func(*fleet.Policies)
	log   *slog.Logger
}

// again starts workers in g that have the policies read again, and taken: at each SIGHUP, and
// where the folder has changed. Those that are wrong leave all as it was.
func (f *policyFolder) again(ctx context.Context, g *workers.Group) {
	var mu sync.Mutex // held while they are read
	last, failed := f.stamp, ""
	read := func(changed bool) {
		mu.Lock()
		defer mu.Unlock()
		now := fleet.StampOf(f.dir) // before: what changes meanwhile is for the next time
		if changed && now == last && failed == "" {
			return
		}
		last = now
		p, err := f.read()
		if err != nil {
			if !changed || failed != err.Error() { // once, while it is the same
				f.log.Error("the policies were not taken; they are what they were", "err", err)
			}
			failed = err.Error() // it may lack what stands elsewhere, as a card: it is tried again
			return
		}
		failed = ""
		f.take(p)
		f.log.Info("the policies were read again", "policies", len(p.All()))
	}
	atHangUp(ctx, g, func() { read(false) })
	if f.every == 0 {
		return
	}
	g.Start(ctx, func(ctx context.Context) {
		tick := time.NewTicker(f.every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				read(true)
			}
		}
	})
}

// policiesEvery is the flag for how often a folder of policies is looked at.
func policiesEvery(to *time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "policies-every", Destination: to, Usage: "look once in this `TIME` whether the policies' files have changed, and read them again then", DefaultText: "only on SIGHUP"}
}

// checkPoliciesEvery returns an error for a time that makes no sense.
func checkPoliciesEvery(d time.Duration) error {
	if d != 0 && d < time.Second {
		return ui.Misuse("--policies-every is %v, want 1s or more", d)
	}
	return nil
}
