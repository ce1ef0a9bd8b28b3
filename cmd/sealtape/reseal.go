package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/bot"
)

func resealCommand() *cli.Command {
	var o resealOptions
	return &cli.Command{
		Name:      "reseal",
		Usage:     "make a new recording of an old one, for other readers",
		ArgsUsage: "ID --reader NAME",
		Description: `Writes a new recording with the same content, for other readers, and decrypts in memory only.
The new recording has an ID and a key of its own, and your signature. Its timeline begins
with the head of the old one. You must be able to open all of the old recording.

The old recording does not change. Its readers can open it until you remove it from every
store.

Exit code 3: the recording is not closed, and nothing was written.`,
		UsageText: `  sealtape reseal last --reader Bob --store ./meetings
  sealtape reseal F2JE --reader Bob --reader carol.card --title "Board, May" --to /mnt/archive`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "reader", Usage: "who can open the new one: a pinned `NAME`, an age recipient, or a file with either; repeat for more"},
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "where the new one goes, if not where the old one is: a `STORE`"},
			&cli.StringFlag{Name: "title", Destination: &o.title, Usage: "what the new one is called: another `TITLE`", DefaultText: "as the old one"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runReseal), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type resealOptions struct {
	flags.StoreOption
	id, to  string // to: "" for where the old one is
	title   string // "": as the old one
	readers []string
}

func (o *resealOptions) Rest(c *cli.Context) { o.readers = c.StringSlice("reader") }

func (o *resealOptions) Check() error {
	if len(o.readers) == 0 {
		return ui.Misuse("for whom? --reader NAME is missing")
	}
	if err := access.NoLink(o.id); err != nil {
		return err
	}
	return checkTitle(o.title)
}

func runReseal(ctx context.Context, a *access.Access, o *resealOptions) (err error) {
	e := a.Env
	if err := access.Unrevoked(a.Home); err != nil {
		return err
	}
	readers, err := parseReaders(a.Home, o.readers)
	if err != nil {
		return err
	}
	t, err := a.OpenReadable(ctx, o.id, nil)
	if err != nil {
		return err
	}
	rec := t.Recording()
	if err := a.Distrust(rec.Head().ID, rec.Signers()); err != nil {
		return err // nobody is to vouch for it after all
	}
	if !rec.Head().State.Final() {
		return ui.ExitWith(ui.ExitIncomplete, ui.Hinted(fmt.Errorf("recording %s is not closed", t.ID()),
			"reseal it when it is over; one that was cut is ended on the machine that recorded, with --store for each store that it is for", "sealtape recover --store STORE"))
	}
	for _, ep := range rec.Epochs() { // before anything is written
		if _, err := rec.EpochSecret(ctx, ep.Number); err != nil {
			return err
		}
	}
	id, err := access.LoadIdentity(ctx, e, a.Home)
	if err != nil {
		return err
	}
	if err := bot.CheckRole(id); err != nil {
		return explainRecord(err, []string{o.Store})
	}
	to := a.Store
	if o.to != "" {
		s, err := access.OpenStore(ctx, e, o.to, true)
		if err != nil {
			return err
		}
		to = archive.Retry(s, archive.RetryConfig{OnRetry: e.Retrying})
	}

	// Not in the spool: half of it must not be finished and uploaded by others.
	drafts, err := dir.OpenDrafts(filepath.Join(a.Home.Dir(), "reseal"))
	if err != nil {
		return err
	}
	w, err := archive.Create(drafts.Path(), archive.Config{Signer: id.Signer()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drafts.Remove(w.ID())) }()
	bar := e.Progress("resealing", int64(len(rec.Segments())))
	options := tape.ResealOptions{Title: o.title, Done: func() { bar.Add(1) }}
	for _, to := range readers {
		options.Readers = append(options.Readers, to.Recipients...)
	}
	err = tape.Reseal(ctx, t, w, options)
	bar.Finish()
	if err != nil {
		return err
	}
	if err := deliver(ctx, e, drafts, to, w.ID()); err != nil {
		return err
	}
	e.Printf("%s resealed as %s\n", t.ID(), w.ID())
	if slices.ContainsFunc(readers, func(r bot.Reader) bool { return !r.PostQuantum }) {
		e.Warnf("not all readers have post-quantum keys: the new recording is not post-quantum")
	}
	return nil
}
