package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/program"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/worker"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
	"github.com/sealtape/sealtape/recorder/bot/metrics"
)

// runRecord records as o says, which was checked, until ctx ends, the room ends or the
// time is over, and returns when the store has everything.
func runRecord(ctx context.Context, e *ui.Env, o *recordOptions) (err error) {
	// What a worker left open for us is not for the programs that we start.
	program.Keep(append([]string{o.configFile, o.secretsFile, o.keyFile, o.passphraseFile, o.tokenFile, o.apiSecretFile}, o.readers...)...)
	service, err := systemd.New()
	if err != nil {
		return err
	}
	config, roomKeys, err := o.config(ctx, e)
	if err != nil {
		return err
	}
	// Age plugins are started with our environment: leave no secret in it.
	if err := dropSecrets(); err != nil {
		return err
	}
	console, archiveLog := newRecordConsole(e)
	console.warnClassic(config.Readers)
	machine.PrivateFiles()
	if swaps, err := machine.DiskSwaps(); err == nil && len(swaps) > 0 {
		console.log.Warn("memory, keys included, can be written to swap", "on", words.Few(swaps), "hint", checkup.SwapHint)
	}
	config.Log, config.ArchiveLog = console.log, archiveLog
	var call *matrixCall
	if o.matrix != "" {
		if call, err = o.openMatrix(e, config); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, call.account.Close()) }()
		config.Meeting = call.meeting(o, config, console.say)
	}
	tell, err := o.teller(config.Home, o.stores, console.log)
	if err != nil {
		return err
	}

	var g workers.Group
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if tell.tells() {
		config.Milestone = func(m bot.Milestone) { tell.tell(ctx, m) }
		g.Start(ctx, tell.sweep)
	}
	config.Stop = stop
	beside := &recordWorkers{console: console, keys: roomKeys, service: service, metricsAddr: o.metricsAddr}
	if o.statusFile != "" {
		to, err := program.Inherited(o.statusFile)
		if err != nil {
			return fmt.Errorf("--status-file: %w", err)
		}
		// What nobody reads any more is an error, and not the end.
		signal.Ignore(syscall.SIGPIPE)
		beside.report, beside.orphaned = to, stop
	}
	result, err := beside.record(ctx, &g, config)
	_ = g.Stop() // what fails is told by whom it concerns
	tell.finish()
	if err != nil {
		if err = explainRecord(err, o.stores); call != nil {
			err = explainCall(err, call.user)
		}
		return err
	}
	return console.tell(result, o.json)
}

// recordWorkers are what goes on beside a bot: what shows it, signals it and watches it.
type recordWorkers struct {
	console     *recordConsole
	keys        *livekitroom.Keys // of the room, nil without
	service     *systemd.Service  // nil where none started the process
	metricsAddr string            // "" for none
	report      *os.File          // of the worker that started us, nil for none
	orphaned    func()            // is called when the worker is gone
}

// record runs a bot, and the workers beside it, in g.
func (r *recordWorkers) record(ctx context.Context, g *workers.Group, config bot.Config) (bot.Result, error) {
	console, log := r.console, r.console.log
	// What is begun first ends last: the line is removed when nobody draws it any more.
	g.Ends(func() error { console.clear(); return nil })
	// Signals to pause are taken to the end: one that comes late must not end the process.
	pauses := newPauser(log)
	g.Ends(func() error { pauses.close(); return nil })

	config.Say, config.Unopened, config.TurnedAway = console.say, console.unopened, console.turnedAway
	config.Stage = func(stage bot.Stage) {
		if console.enter(stage); stage == bot.Ending {
			r.service.Stopping()
		}
	}
	var b *bot.Bot
	config.Begun = func(id string) {
		console.begun(config.Home, id)
		// From here on there is something to show, to read keys for, and to pause.
		g.Start(ctx, func(ctx context.Context) { console.watch(ctx, b.Status) })
		watchKeys(ctx, g, r.keys, log)
		g.Start(ctx, func(ctx context.Context) { pauses.serve(ctx, b) })
	}
	var err error
	if b, err = bot.New(config); err != nil {
		return bot.Result{}, err
	}
	// A service manager is told how it goes, and Prometheus may ask, until all is stored.
	if s := r.service; s != nil {
		s.LogTo(log)
		g.Start(ctx, func(ctx context.Context) { s.Watch(ctx, b.Status) })
		defer context.AfterFunc(ctx, s.Stopping)()
	}
	if r.report != nil {
		g.Start(ctx, func(ctx context.Context) {
			if err := worker.Report(ctx, r.report, b.Status); err != nil {
				log.Warn("the worker is gone, so this recording ends", "err", err)
				r.orphaned()
			}
		})
	}
	if r.metricsAddr != "" {
		end, err := serveMetrics(r.metricsAddr, metrics.Handler(b), log)
		if err != nil {
			return bot.Result{}, err
		}
		g.Ends(func() error {
			if err := end(); err != nil {
				log.Warn("the metrics ended early", "err", err)
			}
			return nil
		})
	}
	return b.Record(ctx)
}

// config opens what the options name, in an order in which what is cheap to refuse is
// refused first, and asks for the passphrase of the keys.
func (o *recordOptions) config(ctx context.Context, e *ui.Env) (c bot.Config, roomKeys *livekitroom.Keys, err error) {
	c = bot.Config{
		Title: o.title, PartOf: o.partOf, StoreURL: o.linkStore, PageURL: o.linkPage, Policy: o.policy, KeepLocal: o.keepLocal, Duration: o.duration, Grace: o.lifetime.grace, Wait: o.lifetime.wait, Segment: o.segment,
		Yield:       o.others == othersYield || o.others == othersReplace,
		SilentAfter: e.SilentAfter,
	}
	if c.Home, err = access.OpenHome(); err != nil {
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
		return c, nil, explainRecord(err, o.stores)
	}
	if o.matrix == "" { // else runRecord names them, by their users
		if c.Members, err = parseMembers(c.Home, o.members); err != nil {
			return c, nil, err
		}
	}
	if c.Operators, err = parseOperators(c.Home, o.operators); err != nil {
		return c, nil, err
	}
	if err := o.checkKeys(); err != nil {
		return c, nil, err
	}
	if o.matrix == "" { // else runRecord makes the meeting, which needs the account
		if roomKeys, err = o.readRoomKeys(); err != nil {
			return c, nil, err
		}
		if c.Meeting, err = o.meeting(e, roomKeys); err != nil {
			return c, nil, err
		}
	}
	if c.Identity, err = access.LoadIdentity(ctx, e, c.Home); err != nil {
		return c, nil, err
	}
	if err := access.OwnCounts(c.Home); err != nil {
		return c, nil, err
	}
	if err := bot.CheckRole(c.Identity); err != nil {
		return c, nil, explainRecord(err, o.stores)
	}
	c.Stores, c.StoreID, err = access.OpenStores(ctx, e, o.stores)
	return c, roomKeys, err
}
