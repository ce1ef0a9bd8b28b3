package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// sweepEvery is how often a worker looks for what dead recorders left.
const sweepEvery = 10 * time.Minute

// A workerSweep finishes what recorders of this home left in the spool: those of a host that
// died, and what a recorder could not store. A recorder does so, too, when it begins; but a
// host may wait long for its next room.
type workerSweep struct {
	home   *keys.Home
	spool  string
	signer bot.Signer
	all    []sweepStores
	log    *slog.Logger
}

// sweepStores are the stores of some policies.
type sweepStores struct {
	id     string
	stores []bot.Store
	keep   bool
	tell   *teller // of the first of these policies
}

// newWorkerSweep opens the stores that the policies name. One that cannot be opened now is
// not swept, which is logged: recorders try again.
func newWorkerSweep(ctx context.Context, e *ui.Env, home *keys.Home, id *keys.Identity, policies *fleet.Policies, log *slog.Logger) (*workerSweep, error) {
	signer, err := bot.NewSigner(home, id)
	if err != nil {
		return nil, explainRecord(err, nil)
	}
	s := &workerSweep{home: home, spool: home.SpoolDir(), signer: signer, log: log}
	seen := make(map[string]bool)
	for _, p := range policies.All() {
		o, err := policyOptions(p)
		if err != nil {
			return nil, err // they were checked
		}
		names := o.stores
		if name := os.Getenv("SEALTAPE_STORE"); len(names) == 0 && name != "" {
			names = []string{name}
		}
		key := strings.Join(names, "\n")
		if len(names) == 0 || seen[key] {
			continue // the policy's command names it
		}
		seen[key] = true
		one := sweepStores{keep: o.keepLocal}
		if one.stores, one.id, err = access.OpenStores(ctx, e, names); err == nil {
			one.tell, err = o.teller(home, names, log)
		}
		if err != nil {
			log.Warn("what earlier recorders left for a store is not looked for", "policy", p.Name, "err", err)
			continue
		}
		s.all = append(s.all, one)
	}
	return s, nil
}

// start sweeps in g: for each of the stores by itself, since one may be away for long.
func (s *workerSweep) start(ctx context.Context, g *workers.Group) {
	for _, one := range s.all {
		g.Start(ctx, func(ctx context.Context) { s.run(ctx, one) })
	}
}

// run sweeps for some stores until ctx ends.
func (s *workerSweep) run(ctx context.Context, one sweepStores) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweep(ctx, one); err != nil && ctx.Err() == nil {
			s.log.Warn("what earlier recorders left in the spool stays there for now", "err", err)
		}
		if err := one.tell.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("events for a webhook wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep finishes what is for some stores.
func (s *workerSweep) sweep(ctx context.Context, one sweepStores) error {
	source, err := dir.Open(s.spool)
	if err != nil {
		if ids, _ := os.ReadDir(s.spool); len(ids) == 0 {
			return nil // nothing was ever recorded here
		}
		return err
	}
	defer func() { _ = source.Close() }() // it was only read
	trust, err := s.home.Trust()
	if err != nil {
		return err
	}
	sw := &bot.Sweep{
		Spool: s.spool, Source: source, Stores: bot.Retry(one.stores, archive.RetryConfig{}), StoreID: one.id,
		Signer: s.signer, Verifiers: trust.Recorders, Keep: one.keep,
		Say:     func(text string) { s.log.Debug(text) },
		Warn:    func(text string) { s.log.Warn(text) },
		Foreign: func(string, string) {}, // for the stores of another policy, mostly
		Stored: func(id string, state archive.State) {
			s.log.Info("what an earlier recorder left is in the store", "id", id, "state", string(state))
			one.tell.tell(ctx, bot.Milestone{Kind: bot.MilestoneStored, Recording: id, State: state, Incomplete: state == archive.StateCut})
		},
	}
	for _, err := range sw.Run(ctx) {
		if ctx.Err() == nil {
			s.log.Warn("an earlier recording stays in the spool: sealtape recover says what can be done", "err", err)
		}
	}
	one.tell.finish()
	return nil
}
