package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/urfave/cli/v2"
	"golang.org/x/mod/sumdb/note"
)

func recoverCommand() *cli.Command {
	return &cli.Command{
		Name:      "recover",
		Usage:     "finish and upload what an earlier crash left in the spool",
		ArgsUsage: "--store STORE",
		Description: `Ends recordings that were cut by a crash, copies all that the spool holds to the
store, and removes the local copies that the store confirmed. It does not touch
a recording that is going on. Running it again does no harm.`,
		Flags:  []cli.Flag{storeFlag()},
		Action: recoverAction,
	}
}

func recoverAction(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	spool, err := dir.Open(h.SpoolDir())
	if err != nil {
		return fmt.Errorf("opening the spool: %w", err)
	}
	store, err := e.openStore(c.Context, c.String("store"), true)
	if err != nil {
		return err
	}
	ids, err := spooled(c.Context, spool)
	if err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	if len(ids) == 0 {
		e.notef("The spool is empty: nothing to recover.")
		return nil
	}
	// The signing key ends what a crash left open.
	identity, err := e.loadIdentity(c.Context, h)
	if err != nil {
		return err
	}
	verifiers, err := h.Verifiers()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	recovered, err := archive.Recover(c.Context, h.SpoolDir(), archive.Config{Signer: identity.Signer(), Log: log})
	failed := joined(err)
	for _, r := range recovered {
		switch {
		case r.Head.Size == 0:
			e.printf("%s held nothing yet, removed\n", r.ID)
		case len(r.Torn) > 0:
			e.printf("%s was cut: ended after %s, of which the last is torn\n", r.ID, count(int(r.Head.Size), "object"))
		default:
			e.printf("%s was cut: ended after %s\n", r.ID, count(int(r.Head.Size), "object"))
		}
	}

	dst := archive.Retry(store, archive.RetryConfig{OnRetry: e.retrying})
	if ids, err = spooled(c.Context, spool); err != nil { // without those that are gone
		return fmt.Errorf("reading the spool: %w", err)
	}
	for _, id := range ids {
		if err := e.upload(c.Context, dst, spool, verifiers, h.SpoolDir(), id); err != nil {
			if c.Context.Err() != nil {
				return c.Context.Err()
			}
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		for _, err := range failed[:len(failed)-1] {
			e.warnf("%v", err)
		}
		return hinted(failed[len(failed)-1], "what was not copied is still in "+h.SpoolDir()+"; run sealtape recover again once that is mended")
	}
	return nil
}

// upload copies one recording of the spool and removes the local copy once the
// store has all of it.
func (e *env) upload(ctx context.Context, dst, spool archive.Store, verifiers note.Verifiers, spoolDir, id string) error {
	rec, err := archive.Open(ctx, spool, id, archive.Options{Verifiers: verifiers})
	if err != nil {
		return err
	}
	head := rec.Head()
	if !head.State.Final() {
		// Recover ended all that are not held by a live recorder.
		e.notef("%s is being recorded; left alone", id)
		return nil
	}
	// Copy returns once the store confirmed size and hash of every object.
	bar := e.progress("uploading", head.Size)
	copier := archive.NewCopier(dst, spool, id)
	copier.OnStored = func(archive.Entry) { bar.add(1) }
	err = copier.Copy(ctx)
	bar.finish()
	if err != nil {
		return err
	}
	if err := archive.RemoveSpooled(spoolDir, id); err != nil {
		return fmt.Errorf("recording %s is in the store, but its local copy was not removed: %w", id, err)
	}
	e.printf("%s is in the store (%s), local copy removed\n", id, count(int(head.Size), "object"))
	return nil
}

// spooled lists the recordings in the spool.
func spooled(ctx context.Context, spool archive.Store) (ids []string, err error) {
	for id, err := range archive.IDs(ctx, spool) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// joined takes apart what errors.Join made.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}
