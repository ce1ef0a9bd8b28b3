package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func copyCommand() *cli.Command {
	var o copyOptions
	return &cli.Command{
		Name:      "copy",
		Usage:     "copy a recording to another store, sealed as it is",
		ArgsUsage: "ID --to STORE",
		Description: `Copies the recording and its grants as they are. This needs no key: the command compares the
bytes with the log. Run it again to go on after a failure, or to copy what a recording has
grown by. Nothing is removed from the copy. "sealtape verify" checks the copy with its
signature.

Exit codes:
  3  the recording is not closed; what there was of it is copied
  4  something is damaged or missing, or something else is in its place, and the rest is
     copied; or all is copied, and the key that signed it was revoked
Nothing is copied, with exit code 4, if head or log are damaged or missing, or if the store
shows less of the recording than this machine has seen, or than the other store has.`,
		UsageText: `  sealtape copy last --store ./meetings --to s3://meetings/2026
  sealtape copy F2JE --to /mnt/archive`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "where the copy goes: a folder or s3://bucket/prefix, as `STORE`"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runCopy), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type copyOptions struct {
	flags.StoreOption
	id, to string
}

func (o *copyOptions) Check() error {
	if o.to == "" {
		return ui.Misuse("copy to where? --to STORE is missing")
	}
	return access.NoLink(o.id)
}

func runCopy(ctx context.Context, a *access.Access, o *copyOptions) error {
	e := a.Env
	if from, err := access.StoreID(o.Store); err == nil {
		if to, err := access.StoreID(o.to); err == nil && from == to {
			return ui.Misuse("--to is the store that it would be copied from")
		}
	}
	id, err := a.Resolve(ctx, o.id)
	if err != nil {
		return err
	}
	_, _, err = archive.ReadHead(ctx, a.Store, id, archive.Options{Verifiers: a.Recorders, Heads: a.Heads})
	if rolledBack(err) {
		return ui.Hinted(err, "this machine has seen more of it, or something else, than "+o.Store+" shows now: copy from another store, and ask who can write to this one")
	}
	to, err := access.OpenStore(ctx, e, o.to, true)
	if err != nil {
		return err
	}
	to = archive.Retry(to, archive.RetryConfig{OnRetry: e.Retrying})

	bad, taken := 0, 0
	var bar *terminal.Bar
	objects := 0
	copier := archive.NewCopier(to, a.Store, id)
	leaveOut := func(b *archive.BadObjectError) error {
		bad++
		if errors.Is(b, archive.ErrConflict) {
			taken++
		}
		e.Warnf("%v", b)
		return nil
	}
	copier.OnBad = leaveOut
	copier.OnStored = func(archive.Entry) {
		if bar == nil {
			bar = e.Progress("copying", int64(copier.Pending()+1))
		}
		bar.Add(1)
		objects++
	}
	err = copier.Copy(ctx)
	if bar != nil {
		bar.Finish()
	}
	if ctx.Err() != nil {
		return ui.Hinted(ctx.Err(), "what was copied stays; run it again to go on")
	} else if rolledBack(err) {
		return ui.Hinted(err, "nothing was copied: "+o.Store+" does not go on with what "+o.to+" has; see which is whole",
			"sealtape verify "+id+" --store "+ui.ShellWord(o.Store), "sealtape verify "+id+" --store "+ui.ShellWord(o.to))
	} else if ui.As[*archive.CorruptError](err) {
		return headless(ctx, err, to, id, o)
	} else if errors.Is(err, archive.ErrConflict) {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(err, "who put that there? Remove it from "+o.to+", and copy again"))
	} else if err != nil {
		return err
	}
	shares, err := archive.CopyShares(ctx, to, a.Store, id)
	for _, err := range joined(err) {
		var b *archive.BadObjectError
		if !errors.As(err, &b) {
			return err
		}
		_ = leaveOut(b) // it returns none
	}
	e.Printf("%s copied: %s", id, ui.Count(objects, "object"))
	if shares > 0 {
		e.Printf(", %s", ui.Count(shares, "grant"))
	}
	e.Printf("\n")
	if bad > 0 && taken == bad {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(errors.New("not all of it is there: something else is in the place of "+ui.Count(bad, "object")),
			"who put that there? Remove it from "+o.to+", and copy again; sealtape repair puts damaged objects right"))
	}
	if bad > 0 {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(errors.New("not all of it is what was recorded: "+ui.Count(bad, "object")+" left out"),
			"look for another copy, and copy from there too"))
	}
	// Whoever copies need not know the recorder: a head that nobody vouches for
	// says as much.
	head, signers, err := archive.ReadHead(ctx, to, id, archive.Options{Verifiers: a.Recorders})
	if errors.Is(err, archive.ErrForeignSigner) {
		e.Notef("It is not signed by anyone whose card you pinned.")
	} else if err != nil {
		return err
	}
	if err := a.Distrust(id, signers); err != nil {
		return err
	}
	if !head.State.Final() {
		return ui.ExitWith(ui.ExitIncomplete, ui.Hinted(errors.New("the recording is not closed: it was copied as far as it has come"),
			"when it is over, run the same command again"))
	}
	return nil
}

// headless says of a copy that could not begin which store's head or log is damaged, and
// what puts it back.
func headless(ctx context.Context, err error, to archive.Store, id string, o *copyOptions) error {
	repair := "sealtape repair " + id + " --store " + ui.ShellWord(o.Store) + " --store "
	if _, _, there := archive.ReadHead(ctx, to, id, archive.Options{}); ui.As[*archive.CorruptError](there) && !errors.Is(there, fs.ErrNotExist) {
		return ui.Hinted(err, "nothing was copied: what "+o.to+" has is put right by", repair+ui.ShellWord(o.to))
	}
	return ui.Hinted(err, "nothing was copied: if it is not being uploaded to "+o.Store+", name another store that has it whole", repair+"STORE")
}

// rolledBack reports whether a store shows another past than was seen before.
func rolledBack(err error) bool {
	return ui.As[*archive.RollbackError](err) || ui.As[*archive.ForkError](err)
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
