package main

import (
	"context"
	"os"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
)

// runRecord records as o says, which was checked, until ctx ends, the room ends or the
// time is over, and returns when the store has everything.
func runRecord(ctx context.Context, e *env, o *recordOptions) error {
	service, err := newService()
	if err != nil {
		return err
	}
	config, roomKeys, err := o.config(ctx, e)
	if err != nil {
		return err
	}
	// Age plugins are started with our environment: leave no secret in it.
	for _, v := range secretVars {
		if err := os.Unsetenv(v); err != nil {
			return err
		}
	}
	console, archiveLog := newRecordConsole(e)
	log := console.log
	if service != nil {
		service.log = log
	}

	// What is begun first ends last.
	var g workers.Group
	defer g.Stop() // nothing of it fails but metrics, which is logged
	// Nothing draws the line any more.
	g.Ends(func() error { console.clear(); return nil })
	// Signals to pause are taken to the end: one that comes late must not end the process.
	pauses := newPauser(log)
	g.Ends(func() error { pauses.close(); return nil })
	console.warnClassic(config.Readers)
	machine.PrivateFiles()
	if swaps, err := machine.DiskSwaps(); err == nil && len(swaps) > 0 {
		log.Warn("memory, keys included, can be written to swap", "on", words.Few(swaps), "hint", checkup.SwapHint)
	}

	config.Log, config.ArchiveLog = log, archiveLog
	config.Say, config.Unopened, config.TurnedAway = console.say, console.unopened, console.turnedAway
	config.Stage = func(s bot.Stage) {
		if console.enter(s); s == bot.Ending {
			service.stopping()
		}
	}
	var b *bot.Bot
	config.Begun = func(id string) {
		console.clear()
		e.printf("%s\n", id)
		if err := recorded(config.Home, id, time.Now()); err != nil {
			e.warnf("%q will not find this recording: %v", "last", err)
		}
		// From here on there is something to show, to read keys for, and to pause.
		g.Start(ctx, func(ctx context.Context) { console.watch(ctx, b.Status) })
		watchKeys(ctx, &g, roomKeys, log)
		g.Start(ctx, func(ctx context.Context) { pauses.serve(ctx, b) })
	}
	if b, err = bot.New(config); err != nil {
		return explainRecord(err)
	}
	// A service manager is told how it goes, and Prometheus may ask, until all is stored.
	if service != nil {
		g.Start(ctx, func(ctx context.Context) { service.watch(ctx, b.Status) })
		defer context.AfterFunc(ctx, service.stopping)()
	}
	if o.metricsAddr != "" {
		end, err := serveMetrics(o.metricsAddr, b, log)
		if err != nil {
			return err
		}
		g.Ends(func() error {
			if err := end(); err != nil {
				log.Warn("the metrics ended early", "err", err)
			}
			return nil
		})
	}
	result, err := b.Record(ctx)
	g.Stop()
	if err != nil {
		return explainRecord(err)
	}
	return console.tell(result, o.json)
}

// config opens what the options name, in an order in which what is cheap to refuse is
// refused first, and asks for the passphrase of the keys.
func (o *recordOptions) config(ctx context.Context, e *env) (c bot.Config, roomKeys *livekitroom.Keys, err error) {
	c = bot.Config{
		Policy: o.policy, KeepLocal: o.keepLocal, Duration: o.duration, Grace: o.lifetime.grace, Wait: o.lifetime.wait, Segment: o.segment,
		SilentAfter: e.silentAfter,
	}
	if c.Home, err = e.openHome(); err != nil {
		return c, nil, err
	}
	if c.Readers, err = parseReaders(c.Home, o.readers); err != nil {
		return c, nil, err
	}
	if len(c.Readers) == 0 {
		return c, nil, noReader()
	}
	if c.Policy.Readers == bot.ReadersAllPinned {
		if c.Readers, err = bot.AllPinned(c.Home, c.Readers); err != nil {
			return c, nil, err
		}
	}
	if err := bot.CheckReaders(c.Readers); err != nil {
		return c, nil, explainRecord(err)
	}
	if c.Members, err = parseMembers(c.Home, o.members); err != nil {
		return c, nil, err
	}
	if err := o.checkKeys(); err != nil {
		return c, nil, err
	}
	if roomKeys, err = o.roomKeys(); err != nil {
		return c, nil, err
	}
	if c.Meeting, err = o.meeting(e, roomKeys); err != nil {
		return c, nil, err
	}
	if c.Identity, err = e.loadIdentity(ctx, c.Home); err != nil {
		return c, nil, err
	}
	if err := ownCounts(c.Home); err != nil {
		return c, nil, err
	}
	if err := bot.CheckRole(c.Identity); err != nil {
		return c, nil, explainRecord(err)
	}
	c.Stores, c.StoreID, err = e.openStores(ctx, o.stores)
	return c, roomKeys, err
}

// warnClassic says when not all readers are safe from quantum computers.
func (r *recordConsole) warnClassic(readers []bot.Reader) {
	for _, reader := range readers {
		switch {
		case reader.PostQuantum:
		case r.env.log != nil: // which may be kept for long, and names nobody
			r.log.Warn("a reader's key is not post-quantum: whoever stores this recording today may open it when quantum computers can")
		default:
			r.env.warnf("%s is not a post-quantum key: whoever stores this recording today may open it when quantum computers can", clean(reader.Name))
		}
	}
}
