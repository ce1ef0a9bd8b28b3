package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// A policyFolder is a folder of policies, and what is done with them.
type policyFolder struct {
	dir   string
	stamp fleet.Stamp   // of before it was read last
	every time.Duration // how often it is looked whether it has changed; 0: never
	read  func() (*fleet.Policies, error)
	take  func(*fleet.Policies)
	log   *slog.Logger

	failed string // why they were not taken the last time; "" if they were
}

// again starts a worker in g that has the policies read again, and taken: at each SIGHUP, and
// where the folder has changed. Those that are wrong leave all as it was.
func (f *policyFolder) again(ctx context.Context, g *workers.Group) {
	hup := hangUps(g)
	g.Start(ctx, func(ctx context.Context) {
		var ticks <-chan time.Time // nil: none comes
		if f.every > 0 {
			ticker := time.NewTicker(f.every)
			defer ticker.Stop()
			ticks = ticker.C
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				f.readAgain(true)
			case <-ticks:
				f.readAgain(false)
			}
		}
	})
}

// readAgain reads and takes the policies, where somebody asked for it or the folder has changed.
// What failed is tried again: it may lack what stands elsewhere, such as a reader's card.
func (f *policyFolder) readAgain(asked bool) {
	now := fleet.StampOf(f.dir) // before: what changes meanwhile is for the next time
	if !asked && now == f.stamp && f.failed == "" {
		return
	}
	f.stamp = now
	p, err := f.read()
	if err != nil {
		if asked || f.failed != err.Error() { // once, while it is the same
			f.log.Error("the policies were not taken; they are what they were", "err", err)
		}
		f.failed = err.Error()
		return
	}
	f.failed = ""
	f.take(p)
	f.log.Info("the policies were read again", "policies", len(p.All()))
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
