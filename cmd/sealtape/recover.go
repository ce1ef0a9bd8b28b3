package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/webhook"
)

func keepLocalFlag() cli.Flag {
	return &cli.BoolFlag{Name: "keep-local", Usage: "keep the local copy, sealed as it is, when the store has the recording"}
}

func recoverCommand() *cli.Command {
	var o recoverOptions
	return &cli.Command{
		Name:      "recover",
		Usage:     "finish and upload what an earlier crash left in the spool",
		ArgsUsage: "--store STORE",
		Description: `Ends recordings that a crash cut. Copies all that the spool holds to the store, and then
removes the local copies. If a recording is for several stores, name all of them. Running
the command again does no harm.

The command leaves alone a recording that is going on, one that --keep-local keeps, and one
that is for another store. --adopt ID sends such a recording to this store.

--webhook and --on-stored tell of what is stored now, as with record, and deliver what was
not told before: see "sealtape record --help".

What this disk has damaged goes to quarantine in the spool, and the rest is copied. The exit
code is then 1.`,
		UsageText: `  sealtape recover --store ./meetings
  sealtape recover --store ./meetings --store s3://meetings/2026
  sealtape recover --store ./meetings --adopt F2JE7ZY04P971PR0YHVBFNECP0`,
		Flags: append([]cli.Flag{flags.StoresFlag(), keepLocalFlag(),
			&cli.StringSliceFlag{Name: "adopt", Usage: "the recording `ID` of the spool goes to this store, whichever it was recorded for; may be repeated"}}, o.webhookFlags()...),
		Action: flags.Action(&o, access.WithHome(runRecover)),
	}
}

type recoverOptions struct {
	webhookOptions
	stores, adopt []string
	keepLocal     bool
}

func (o *recoverOptions) Rest(c *cli.Context) {
	o.stores, o.adopt, o.keepLocal = flags.StoreNames(c), c.StringSlice("adopt"), c.Bool("keep-local")
	o.restOfWebhook(c)
}

func (o *recoverOptions) Check() error {
	if err := o.checkWebhook(); err != nil {
		return err
	}
	for _, id := range o.adopt {
		if err := archive.ValidID(id); err != nil {
			return ui.Misuse("--adopt: %w", err)
		}
	}
	return nil
}

func runRecover(ctx context.Context, e *ui.Env, h *keys.Home, o *recoverOptions) (err error) {
	spool, err := dir.Open(h.SpoolDir())
	if err != nil {
		return fmt.Errorf("opening the spool: %w", err)
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	stores, name, err := access.OpenStores(ctx, e, o.stores)
	if err != nil {
		return err
	}
	for _, id := range o.adopt {
		if err := adopt(h.SpoolDir(), id, name); err != nil {
			return err
		}
	}
	tell, err := o.teller(h, o.stores, slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer tell.finish()
	if tell.webhook.URL != "" {
		if n, err := webhook.Sweep(ctx, tell.webhook, true); err != nil {
			e.Warnf("events for the webhook of earlier recordings wait: %v", err)
		} else if n > 0 {
			e.Notef("The webhook took %s of earlier recordings.", ui.Count(n, "event"))
		}
	}
	ids, err := access.RecordingsIn(ctx, spool)
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	if len(ids) == 0 {
		e.Notef("The spool is empty: nothing to recover.")
		return nil
	}
	key, trust, err := recoverKeys(ctx, e, h)
	if err != nil {
		return explainRecord(err, o.stores)
	}
	sw := &bot.Sweep{
		Spool: h.SpoolDir(), Source: spool, Stores: bot.Retry(stores, archive.RetryConfig{OnRetry: e.Retrying}), StoreID: name,
		Signer: key, Verifiers: trust.Recorders, Keep: o.keepLocal,
	}
	showSweep(e, sw)
	if tell.tells() {
		sw.Stored = func(id string, state archive.State) {
			tell.tell(ctx, bot.Milestone{Kind: bot.MilestoneStored, Recording: id, State: state, Incomplete: state == archive.StateCut})
		}
	}
	failed := sw.Run(ctx)
	if err := ctx.Err(); err != nil {
		return ui.Hinted(err, "what was not copied is still in "+h.SpoolDir()+"; run sealtape recover again")
	}
	return explainRecover(e, failed, trust, h.SpoolDir())
}

// recoverKeys returns what ends the recordings that a crash left open, and whose
// signatures count.
func recoverKeys(ctx context.Context, e *ui.Env, h *keys.Home) (key bot.Signer, trust *keys.Trust, err error) {
	if err := access.Unrevoked(h); err != nil {
		return key, nil, err // before it signs the end of anything
	}
	identity, err := access.LoadIdentity(ctx, e, h)
	if err != nil {
		return key, nil, err
	}
	if trust, err = h.Trust(); err != nil {
		return key, nil, err
	}
	key, err = bot.NewSigner(h, identity)
	return key, trust, err
}

// showSweep shows what a sweep does.
func showSweep(e *ui.Env, sw *bot.Sweep) {
	sw.Log = slog.New(slog.NewTextHandler(e.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	sw.Say = func(text string) { e.Printf("%s\n", text) }
	sw.Warn = func(text string) { e.Warnf("%s", text) }
	sw.Foreign = func(id, what string) {
		e.Warnf("%s %s; left alone: recover it with --store for each of those and no other, or --adopt it", id, what)
	}
	sw.Progress = func(objects int64) (stored, finish func()) {
		bar := e.Progress("uploading", objects)
		return func() { bar.Add(1) }, bar.Finish
	}
}

// explainRecover warns of what failed but for the last, and returns that, with what to do.
func explainRecover(e *ui.Env, failed []error, trust *keys.Trust, spool string) error {
	if len(failed) == 0 {
		return nil
	}
	for i, err := range failed {
		failed[i] = explainSpool(notOurs(err, trust))
	}
	for _, err := range failed[:len(failed)-1] {
		e.Warnf("%v", err)
	}
	last := failed[len(failed)-1]
	var hint *ui.HintError
	if errors.As(last, &hint) {
		return last
	}
	what := "that is mended"
	if errors.Is(last, archive.ErrRefused) || errors.Is(last, archive.ErrDenied) {
		what += ", as sealtape doctor with the same --store shows"
	}
	return ui.Hinted(last, "what was not copied is still in "+spool+"; run sealtape recover again once "+what)
}

// notOurs returns whose a recording is that another recorder began, for people.
func notOurs(err error, trust *keys.Trust) error {
	var other *archive.OtherRecorderError
	if !errors.As(err, &other) {
		return err
	}
	var by []string
	for _, key := range other.By {
		if who, known := trust.Holder(key); known {
			key = fmt.Sprintf("%s (%s)", who.Name, who.Fingerprint)
		}
		by = append(by, ui.Clean(key))
	}
	return ui.Hinted(fmt.Errorf("recording %s was begun by %s, and this home does not sign its end; left alone", other.ID, strings.Join(by, ", ")),
		"run sealtape recover with the SEALTAPE_HOME of that recorder; if it is gone, take its exported identity into another", "sealtape keys import FILE")
}

// adopt notes that the recording id of the spool is for the store.
func adopt(spool, id, store string) (err error) {
	held, err := archive.HoldSpooled(spool, id)
	var other *archive.NotObjectError
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, &other) {
		return ui.Hinted(fmt.Errorf("--adopt: no recording %s is in the spool", ui.Clean(id)), "see what is there", "sealtape doctor")
	} else if err != nil {
		return fmt.Errorf("--adopt: %w", err)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	if err := held.Reassign(store); err != nil {
		return fmt.Errorf("--adopt: recording %s: %w", id, err)
	}
	return nil
}
